"""The lists beside an imported file: refused lines, and unusable identifiers. The gateway stores both, so they are complete
even if the import was stopped several times."""

from collections.abc import AsyncIterator, Iterable, Mapping
from pathlib import Path
from typing import Any

from gateway.cli.admin_client import Admin
from gateway.cli.output import note
from gateway.cli.private_file import private_file
from gateway.telemetry.escape import csv_line

_MOST = 200
_SHORTENED = (
    "a spreadsheet shortened a long number, as in 4.91512E+12, and its other digits are lost: format the column as text,"
    " export the numbers again, and import that file"
)
EXPLANATIONS: Mapping[str, str] = {
    "rounded": _SHORTENED,
    "digits_lost": _SHORTENED,
    "customer_id_digits_lost": _SHORTENED,
    "customer_id_placeholder": "programs write this where there is no customer (0, null, guest); the row belongs to no customer",
    "several_numbers": "more than one number in one cell",
    "not_possible": "too short or too long for its country; its first zero may be lost: format the column as text",
    "not_a_number": "not clearly one number",
    "not_valid": "the country has no such number",
    "customer_id_missing": "the row has no customer id",
    "wrong_columns": "the row has more cells than the header, or was cut off",
    "bad_csv": "a quote is not closed, or is in the wrong place",
    "encoding": "the line is not in the file's encoding: say which it is with --encoding, for example cp1252",
    "too_long": "the record is longer than 64 KiB",
}


async def list_refusals(admin: Admin, import_id: str, count: int, file: Path) -> None:
    if not count:
        return
    reasons: set[str] = set()
    with private_file(file) as opened:
        opened.write(csv_line(("line", "reason")))
        async for one in _all(admin, f"/imports/{import_id}/refusals"):
            opened.write(csv_line((one["line"], one["reason"])))
            reasons.add(one["reason"])
    note(f"{_counted(count, 'line')} refused; see {file}")
    explain(reasons)


async def list_warnings(admin: Admin, import_id: str, unusable: Mapping[str, int], file: Path) -> None:
    count = sum(unusable.values())
    if not count:
        return
    with private_file(file) as opened:
        opened.write(csv_line(("line", "identifier", "reason", "meaning")))
        async for one in _all(admin, f"/imports/{import_id}/warnings"):
            found = csv_line((one["line"], one["identifier"], one["reason"]))
            opened.write(f'{found[:-1]},"{EXPLANATIONS.get(one["reason"], "")}"\n')
    note(f"{_counted(count, 'identifier')} not usable, so their rows were taken without them; see {file}")
    explain(one.partition(":")[2] for one in unusable)


def explain(reasons: Iterable[str]) -> None:
    """Explains the reasons, where an explanation says more than the reason itself."""
    for reason in sorted(set(reasons)):
        if reason in EXPLANATIONS:
            note(f"{reason}: {EXPLANATIONS[reason]}")


def _counted(count: int, thing: str) -> str:
    return f"{count} {thing} was" if count == 1 else f"{count} {thing}s were"


async def _all(admin: Admin, path: str) -> AsyncIterator[Mapping[str, Any]]:
    cursor = ""
    while True:
        answer = await admin.get(path, limit=_MOST, cursor=cursor)
        for one in answer["items"]:
            yield one
        cursor = answer["next"]
        if not cursor:
            return
