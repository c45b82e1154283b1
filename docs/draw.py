"""Draw the pictures of the documentation again: `python docs/draw.py`.

Each picture is an SVG beside its mermaid source. A comment in the SVG has the digest of the source, so a test finds a
picture that does not belong to it. Drawing needs mermaid's command line (`npm install @mermaid-js/mermaid-cli`) and
Chromium; reading and testing the pictures needs neither."""

import hashlib
import json
import subprocess
import sys
import tempfile
from pathlib import Path

PICTURES = Path(__file__).parent / "contributing/pictures"


def mark(source: Path) -> str:
    """The comment at the end of a picture that was drawn from this source."""
    return f"<!-- {source.name} {hashlib.sha256(source.read_bytes()).hexdigest()} -->\n"


def stale() -> list[Path]:
    """The sources whose picture is missing, or was drawn from another text."""
    return [source for source in sorted(PICTURES.glob("*.mmd")) if not _is_drawn(source)]


def _is_drawn(source: Path) -> bool:
    picture = source.with_suffix(".svg")
    return picture.exists() and picture.read_text(encoding="utf-8").endswith(mark(source))


def _draw(source: Path, program: str) -> None:
    picture = source.with_suffix(".svg")
    settings = {
        "puppeteer.json": {"executablePath": "/usr/bin/chromium", "args": ["--no-sandbox"]},
        "mermaid.json": {"htmlLabels": False, "flowchart": {"htmlLabels": False}, "theme": "neutral"},
    }
    with tempfile.TemporaryDirectory() as directory:
        for name, value in settings.items():
            (Path(directory) / name).write_text(json.dumps(value))
        subprocess.run(  # noqa: S603 - the drawing program that the author names
            [
                program,
                *(
                    "--input",
                    source,
                    "--output",
                    picture,
                    "--backgroundColor",
                    "white",
                    "--svgId",
                    source.stem,
                ),
                *("--puppeteerConfigFile", f"{directory}/puppeteer.json"),
                *("--configFile", f"{directory}/mermaid.json"),
            ],
            check=True,
        )
    picture.write_text(picture.read_text(encoding="utf-8").rstrip() + "\n" + mark(source), encoding="utf-8")


if __name__ == "__main__":
    for stale_source in stale():
        _draw(stale_source, sys.argv[1] if len(sys.argv) > 1 else "mmdc")
