"""`gateway export`: all stored data about one person, as JSON or as a page to read."""

import html as markup
import json as encoding
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from gateway.cli.admin_client import Admin, ask, segment
from gateway.cli.audit_archive import note_archived
from gateway.cli.options import DEFAULT_CONFIG, ConfigFile
from gateway.cli.output import note, print_document
from gateway.cli.private_file import private_file
from gateway.cli.profile import ProfileId

_STYLE = (
    "body{font:15px/1.4 sans-serif;margin:2em;max-width:70em}table{border-collapse:collapse}"
    "td,th{border:1px solid #ccc;padding:.2em .5em;text-align:left;vertical-align:top;overflow-wrap:anywhere}"
)
_TITLES = {
    "profile": "Profile",
    "attributes": "Attributes, as each record states them",
    "claimed_attributes": "Attributes that others claim",
    "tags": "Tags",
    "pins": "Judgements of operators",
    "splits": "Splits by operators",
    "achievements": "Achievements",
    "kept_answers": "Answers kept for a repeated request",
    "waiting_messages": "Messages that wait to be handed on",
    "import_changes": "Changes by imports",
    "events": "What happened",
}


def export(
    profile: ProfileId,
    html: Annotated[bool, typer.Option("--html", help="A page to read, instead of JSON.")] = False,
    to: Annotated[
        Path | None, typer.Option("--to", help="A file that only you may read; stdout unless given.")
    ] = None,
    config: ConfigFile = DEFAULT_CONFIG,
) -> None:
    """Export everything that is stored about a person. The audit log records who asked for it."""

    async def exported(admin: Admin) -> Any:
        await note_archived(admin)
        return await admin.get(f"/profiles/{segment(profile)}/export")

    answer = ask(config, exported, changes=True)
    text = page(answer) if html else encoding.dumps(answer, indent=2, ensure_ascii=False) + "\n"
    if to is None:
        print_document(text)
        return
    with private_file(to) as file:
        file.write(text)
    note(f"{to} holds everything that is stored about {answer['profile']['id']}; only you may read it")


def page(person: Mapping[str, Any]) -> str:
    """All data appears as text in the page, never as markup."""
    number = _text(person["profile"]["id"])
    body = "\n".join(_sections(person))
    return (
        f'<!doctype html>\n<html lang="en">\n<head><meta charset="utf-8"><title>{number}</title>'
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">"
        f"<style>{_STYLE}</style></head>\n<body>\n<h1>{number}</h1>\n"
        f"<p>Exported {_text(person['exported_at'])}</p>\n{body}\n</body>\n</html>\n"
    )


def _sections(person: Mapping[str, Any]) -> Iterator[str]:
    for name, title in _TITLES.items():
        if person[name]:
            yield f"<h2>{title}</h2>\n{_shown(person[name])}"


def _shown(value: Any) -> str:
    match value:
        case dict():
            rows = "".join(
                f"<tr><th>{_text(name)}</th><td>{_shown(one)}</td></tr>" for name, one in value.items()
            )
            return f"<table>{rows}</table>" if rows else ""
        case [dict() as first, *_]:
            head = "".join(f"<th>{_text(name)}</th>" for name in first)
            rows = "".join(
                f"<tr>{''.join(f'<td>{_shown(one.get(name))}</td>' for name in first)}</tr>" for one in value
            )
            return f"<table><tr>{head}</tr>{rows}</table>"
        case list():
            return "<br>".join(map(_shown, value))
        case None:
            return ""
        case bool():
            return "yes" if value else "no"
        case _:
            return _text(value)


def _text(value: object) -> str:
    """Control characters are shown by their names, because a page may not contain them and they would be invisible."""
    text = "".join(one if one.isprintable() or one in "\n\t" else f"\\u{ord(one):04x}" for one in str(value))
    return markup.escape(text)
