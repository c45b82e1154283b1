"""What is kept to by every template and file of the console."""

import re
from pathlib import Path

import pytest

from gateway.http import console

ROOT = Path(console.__file__).parent
TEMPLATES = sorted((ROOT / "templates").glob("*.html"))
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
