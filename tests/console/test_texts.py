"""What is kept to by every template and file of the console."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, cast

import pytest

from gateway.http import console
from gateway.http.console.render import TEXTS

ROOT = Path(console.__file__).parent
TEMPLATES = sorted((ROOT / "templates").glob("*.html"))
MODULES = sorted(ROOT.glob("*.py"))
GATEWAY = ROOT.parents[1]
ELSEWHERE = [
    path
    for place in (GATEWAY, GATEWAY.parent / "rules")
    for path in sorted(place.rglob("*.py"))
    if ROOT not in path.parents
]
CODE = re.compile(r"{%.*?%}|{{.*?}}|{#.*?#}", re.DOTALL)


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_english_is_among_the_texts_and_in_no_template(path: Path) -> None:
    text = CODE.sub("", path.read_text(encoding="utf-8"))
    assert not re.findall(r"[A-Za-z]{2,}", re.sub(r"<[^>]*>", " ", text))
    assert not re.findall(r'\b(?:aria-label|placeholder|title|alt)="[A-Za-z]', text)


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_no_template_has_a_script_or_a_style_of_its_own(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert not re.findall(r"<style|\sstyle=|\son[a-z]+=|javascript:|\|\s*safe\b|https?://", text)
    assert all("src=" in tag for tag in re.findall(r"<script[^>]*>", text))


def test_the_style_sheet_is_small_and_asks_no_other_server() -> None:
    style = (ROOT / "static/console.css").read_text(encoding="utf-8")
    assert len(style.encode()) <= 20_000
    assert "url(" not in style
    assert "@import" not in style


def test_the_module_imports_nothing() -> None:
    module = (ROOT / "static/console.js").read_text(encoding="utf-8")
    assert not re.findall(r"\bimport\b|https?:|innerHTML|eval\(", module)


def leaves(part: Mapping[str, Any], *path: str) -> Iterator[tuple[str, ...]]:
    for name, value in part.items():
        if isinstance(value, dict):
            yield from leaves(cast("dict[str, Any]", value), *path, name)
        else:
            yield (*path, name)


_NAMED = re.compile(r'text\("(\w+)", "(\w+)"\)|TEXTS\["(\w+)"\]\["(\w+)"\]|\bt((?:\.\w+)+)(?:\["(\w+)"\])?')
"""How a text is named: in Python, and in a template."""
_CHOSEN = re.compile(r'text\("(\w+)", (?!")|TEXTS\["(\w+)"\](?!\[")|\bt((?:\.\w+)+)\[(?!"\w+"\])')
"""How a part is named of which the code chooses a text."""
_WHOLE = re.compile(r"\bt\.([\w.]+)\.items\(")
_QUOTED = re.compile(r"""["'](\w+)["']""")


_NAMED_ELSEWHERE = (
    *("reasons", "plan.kinds", "today.runs", "today", "history", "odd.measures"),
    *("suggested_what", "suggested_level"),
)
"""The parts whose choices are named by the code behind the pages."""


def choices_of(part: str) -> set[str]:
    """The words in quotes where a text of the part is chosen: in the templates that do so, in the modules that show them, and in
    those that use such a module."""
    templates = {path.name for path in TEMPLATES if part in chosen_in(path)}
    modules = {path.stem for path in MODULES if part in chosen_in(path)}
    modules |= {
        path.stem for path in MODULES if any(f'"{one}"' in path.read_text("utf-8") for one in templates)
    }
    users = {
        path.stem
        for path in MODULES
        if any(f"console.{one} import" in path.read_text("utf-8") for one in modules)
    }
    paths = [path for path in TEMPLATES if path.name in templates]
    paths += [path for path in MODULES if path.stem in modules | users or "frame.html" in templates]
    paths += ELSEWHERE if part in _NAMED_ELSEWHERE else []
    return {word for path in paths for word in _QUOTED.findall(_NAMED.sub("", path.read_text("utf-8")))}


def chosen_in(path: Path) -> set[str]:
    return {".".join(found).strip(".") for found in _CHOSEN.findall(path.read_text("utf-8"))}


def test_every_text_is_used() -> None:
    """By its name, or because the code chooses among the texts of its part and names the choice, or both halves of it."""
    code = "\n".join(path.read_text("utf-8") for path in (*TEMPLATES, *MODULES))
    named = {
        ".".join(name for name in ".".join(found).split(".") if name not in ("", "format"))
        for found in _NAMED.findall(code)
    }
    chosen = {part: choices_of(part) for path in (*TEMPLATES, *MODULES) for part in chosen_in(path)}

    def is_a_choice(part: str, name: str) -> bool:
        words = chosen.get(part, set())
        first, _, last = name.partition("_")
        return name in words or (last in words and not words.isdisjoint((first, f"{first}_")))

    unused = [
        ".".join(path)
        for path in leaves(TEXTS)
        if path[0] not in ("words", "tones")  # their names are states of many kinds
        and ".".join(path) not in named
        and ".".join(path[:-1]) not in _WHOLE.findall(code)
        and not is_a_choice(".".join(path[:-1]), path[-1])
    ]
    assert not unused, unused
