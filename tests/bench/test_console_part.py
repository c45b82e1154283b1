"""The part of the benchmark about the console, on very little data: every page is looked at, beside real calls."""

from pathlib import Path

from rich.progress import Progress

from gateway.bench import clicks
from gateway.bench.console import PAINTED, pages
from gateway.bench.database import Databases
from gateway.bench.options import BenchOptions
from gateway.bench.rounds import Session


def test_operators_click_through_pages_that_are_small_while_calls_are_taken(tmp_path: Path) -> None:
    options = BenchOptions(rounds=1, seconds=1.0, large=300)
    session = Session(options, tmp_path, Databases(""), Progress(disable=True))
    found = {figure.name: figure for figure in pages(session)}
    assert found["largest page"].verdict == "met"
    assert len(found["first byte of a page"].values) >= 3
    assert found["first byte of the slowest page"].note.startswith("/console/")
    assert len(found["first contentful paint of a page"].values) == len(PAINTED)
    assert all(value > 0 for figure in found.values() for value in figure.values)


def test_each_page_that_is_clicked_is_one_of_the_console() -> None:
    from gateway.http.console.routes import PAGES

    served = {
        page.path.removeprefix("/").replace("{id}", "{profile}") for page in PAGES if page.method == "GET"
    }
    served |= {"rules/{rules}"}
    assert set(clicks._PAGES) <= served  # pyright: ignore[reportPrivateUsage]
