"""Take the pictures of the console again: `python docs/screenshots.py`.

It opens the demo's shop, logs in as the steward and walks from a rule's spike to a person. The shop is invented and always the
same; the times on the pictures are those of the day they were taken. It needs Chromium and the development packages."""

import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

PICTURES = Path(__file__).parent / "operations/pictures"
_GATEWAY = Path(sys.executable).with_name("gateway")
_PEOPLE = "600"


@contextmanager
def shop() -> Generator[tuple[str, str]]:
    """The console's address and the steward's token."""
    process = subprocess.Popen(  # noqa: S603 - the gateway beside this Python
        [_GATEWAY, "demo", "--serve", "--people", _PEOPLE], stdout=subprocess.PIPE, text=True
    )
    try:
        address = token = ""
        assert process.stdout is not None  # noqa: S101 - it is a pipe
        for line in process.stdout:
            match line.split():
                case ["console", found]:
                    address = found
                case ["token", found, *_, "steward"]:
                    token = found
                case _:
                    pass
            if address and token:
                break
        yield address, token
    finally:
        process.terminate()
        process.wait()


def walk(page: Page, address: str, token: str) -> None:
    page.goto(address)
    page.fill("input[name=token]", token)
    page.click("main button")
    _take(page, "today")
    page.goto(f"{address}merges")
    _take(page, "merges")
    page.goto(f"{address}merges?rule=device")
    page.click("main table a[href*='/profiles/']")
    _take(page, "person")
    page.goto(f"{address}reviews?state=open")
    page.click("main table a[href*='/reviews/']")
    _take(page, "review")


def _take(page: Page, name: str) -> None:
    page.wait_for_load_state()
    page.screenshot(path=PICTURES / f"console-{name}.png")


def main() -> None:
    PICTURES.mkdir(exist_ok=True)
    with shop() as (address, token), sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        walk(browser.new_page(viewport={"width": 1280, "height": 900}), address, token)
        browser.close()


if __name__ == "__main__":
    main()
