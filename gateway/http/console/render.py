"""From a template and values to a page. Values are escaped, and characters that would move the text around them are made
visible; both happen to every value, so no template can forget it."""

import hashlib
import threading
import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any
from urllib.parse import quote

from aiohttp import web
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from gateway.http.console import static_files
from gateway.plural import counted

_HERE = Path(__file__).parent
_DIRECTION_MARKS = [*range(0x202A, 0x202F), *range(0x2066, 0x206A)]
_VISIBLE = (
    {code: chr(0x2400 + code) for code in range(0x20) if chr(code) not in "\t\n\r"}
    | {0x7F: "\u2421"}
    | dict.fromkeys([*range(0x80, 0xA0), *_DIRECTION_MARKS], "\ufffd")
)
"""Control characters have pictures in Unicode. Marks that turn the direction of the text after them have none."""
TEXTS: Mapping[str, Any] = tomllib.loads((_HERE / "texts.toml").read_text(encoding="utf-8"))
"""All English of the templates."""
_TONES: Mapping[str, str] = {word: tone for tone, words in TEXTS["tones"].items() for word in words}


def harmless(value: object) -> object:
    if isinstance(value, str) and not isinstance(value, Markup):
        return value.translate(_VISIBLE)
    return value


def words(text: str) -> str:
    """A state as it is read: `in_review` is "in review"."""
    return TEXTS["words"].get(text) or text.replace("_", " ")


def moment(at: str) -> str:
    """`2026-11-23T04:00:00.123Z` without the parts that a person does not compare."""
    return at[:19].replace("T", " ")


def tone(state: str) -> str:
    """The colour of a state, in addition to its word."""
    return _TONES.get(state, "")


def duration_words(seconds: int) -> str:
    """In the largest unit that fits: `14 minutes`."""
    for unit, size in (("day", 86_400), ("hour", 3_600), ("minute", 60)):
        if seconds >= size:
            return counted(seconds // size, unit)
    return counted(seconds, "second")


def size(number: int | None) -> str:
    """Bytes in the largest unit that fits."""
    if number is None:
        return TEXTS["frame"]["none"]
    value = float(number)
    for unit in ("B", "kB", "MB", "GB"):
        if value < 1_000:
            return f"{value:.0f} {unit}" if unit == "B" else f"{value:.1f} {unit}"
        value /= 1_000
    return f"{value:.1f} TB"


def segment(name: str) -> str:
    """A name as one part of an address's path."""
    return quote(name, safe="")


def named_profile(name: str) -> str:
    """A profile of a dry run: `new-1` has no id yet."""
    place = name.removeprefix("new-")
    return name if place == name else TEXTS["effects"]["new"].format(n=place)


def _environment() -> Environment:
    made = Environment(
        loader=FileSystemLoader(_HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=harmless,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    filters: dict[str, Any] = {
        "words": words,
        "moment": moment,
        "tone": tone,
        "counted": counted,
        "segment": segment,
        "named_profile": named_profile,
        "size": size,
    }
    values: dict[str, Any] = {
        "t": TEXTS,
        "static": static_files.address,
        "version": version("loyalty-identity-gateway"),
        "build": BUILD,
    }
    made.filters.update(filters)
    made.globals.update(values)
    return made


def _build() -> str:
    """Changes with every change of a page, so that a form of an older page is known."""
    digest = hashlib.sha256()
    for path in sorted([*_HERE.glob("*.py"), *_HERE.glob("templates/*.html"), _HERE / "texts.toml"]):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:12]


BUILD = _build()
_ENVIRONMENT = _environment()


@cache
def _compile_others() -> None:
    """Compiling a template takes longer than filling it in. The first page is the log-in; while an operator fills in its form, the
    other templates are compiled. A gateway whose console is never opened compiles none."""
    threading.Thread(target=_compile_all, name="templates", daemon=True).start()


def _compile_all() -> None:
    for name in _ENVIRONMENT.list_templates():
        _ENVIRONMENT.get_template(name)


def page(template: str, values: Mapping[str, Any], status: int = 200) -> web.Response:
    _compile_others()
    text = _ENVIRONMENT.get_template(template).render(values)
    return web.Response(
        text=text.encode("utf-8", "replace").decode(),
        content_type="text/html",
        status=status,
    )
