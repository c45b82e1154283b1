"""Send the requests of `requests.py` to a real gateway, and store what is missing, or no longer fits its operation, beside the
admin API: `.venv/bin/python -m tests.examples.write`. With `--all`, all of them."""

import asyncio
import json
import sys
import tempfile
from pathlib import Path
from typing import Any

from gateway.http.admin.example import DIRECTORY, EXAMPLES
from tests.examples.play import BY_NAME, answered, asked, is_whole, send
from tests.examples.requests import REQUESTS
from tests.examples.shop import open_shop


async def write(directory: Path, *, again: bool) -> list[str]:
    """The names of those that were written."""
    written: list[str] = []
    async with open_shop(directory) as shop:
        for request in REQUESTS:
            answer = await send(shop, request)
            known, made = EXAMPLES.get(request.operation, {}), asked(shop, request)
            is_asked = {name: part for name, part in known.items() if name != "answer"} == made
            fresh = is_asked and is_whole(BY_NAME[request.operation], known.get("answer"))
            if again or not fresh:
                _store(request.operation, {**made, "answer": answered(shop, request, answer)})
                written.append(request.operation)
    for path in DIRECTORY.glob("*.json"):
        if path.stem not in BY_NAME:
            path.unlink()
    return written


def _store(name: str, example: dict[str, Any]) -> None:
    text = json.dumps(example, indent=2, ensure_ascii=False) + "\n"
    (DIRECTORY / f"{name}.json").write_text(text, encoding="utf-8")


def main() -> None:
    with tempfile.TemporaryDirectory() as directory:
        written = asyncio.run(write(Path(directory), again="--all" in sys.argv))
    sys.stdout.write("".join(f"{name}\n" for name in written) or "all examples are fresh\n")


if __name__ == "__main__":
    main()
