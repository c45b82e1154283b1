"""The page with the figures of all presets is what they make of the invented shops today."""

import runpy
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_the_figures_of_the_presets_are_those_that_are_measured() -> None:
    measured: dict[str, str] = runpy.run_path(str(ROOT / "docs/generate.py"))["measured_pages"]()
    for name, text in measured.items():
        stored = (ROOT / "docs/reference" / name).read_text("utf-8")
        assert stored == text, f"docs/reference/{name} is stale; run: .venv/bin/python docs/generate.py"
