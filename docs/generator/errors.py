"""The page of errors: of the public listener from the table of its faults, of the admin listener from the table of its
codes."""

from collections.abc import Iterator

from docs.generator.text import bullet, paragraph, sentence
from gateway.http.admin.problem import CODES
from gateway.http.gameball.envelope import MEANINGS


def lines() -> Iterator[str]:
    yield from ("## The public listener", "")
    yield paragraph(
        "The gateway's own errors have the platform's envelope `{code, type, message, documentationUrl, requestId}`. The "
        "type follows from the thousands of the code. [The public listener](public-api.md) has the order of the checks."
    )
    yield ""
    for (status, code), meaning in sorted(MEANINGS.items()):
        yield bullet(f"**{status}, code {code}**: {_told(meaning.when, meaning.remedy)}")
    yield from ("", "## The admin listener", "")
    yield paragraph(
        "Errors are problem documents (RFC 9457) with a stable `code`. The command line prints the `detail`, which says "
        "what to do."
    )
    yield ""
    for name, code in sorted(CODES.items(), key=lambda item: (item[1].status, item[0])):
        yield bullet(f"**{code.status}** `{name}`: {_told(code.meaning, code.remedy)}")


def _told(meaning: str, remedy: str) -> str:
    return f"{sentence(meaning)} *Remedy:* {remedy}." if remedy else sentence(meaning)
