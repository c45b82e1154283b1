"""`gateway import undo`: shows what would happen, asks, and then undoes the import chunk by chunk. An undo that was stopped
resumes."""

import asyncio
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from gateway.cli.admin_client import Admin, connect, segment
from gateway.cli.confirm import Yes, confirm
from gateway.cli.options import DEFAULT_CONFIG, AsJson, ConfigFile, DryRun, Why, settings
from gateway.cli.output import note, print_json, print_rows, say

_MOST = 200
_MOST_NAMED = 50
_MEANINGS = {
    "removed": "created by the import: removed",
    "restored": "known before: what the import added is removed, and what it overwrote is restored, unless it changed since",
    "stays": "created by the import and used since: stays",
    "gone": "erased since",
    "merges": "merges that the import caused: undone, so that profiles split",
    "profiles": "removed from profiles that have other records: the rules look at those again",
}


def undo(
    import_id: Annotated[str, typer.Argument(metavar="IMPORT", help="imp_…, as gateway import printed it.")],
    reason: Why,
    dry_run: DryRun = False,
    yes: Yes = False,
    config: ConfigFile = DEFAULT_CONFIG,
    json: AsJson = False,
) -> None:
    """Undo a whole import, except what has been used since. If it is stopped, run it again to resume."""
    path = f"/imports/{segment(import_id.removeprefix('imp_'))}/undo"
    planned = asyncio.run(_planned(config, path))
    if dry_run:
        _print(import_id, planned, "would be undone (nothing was changed)", as_json=json)
        return
    if not json:
        planned.show()
    confirm(f"Undo imp_{import_id.removeprefix('imp_')}?", yes=yes)
    _print(import_id, asyncio.run(_undone(config, path, reason)), "is undone", as_json=json)


class _Effects:
    """Records by result, and the names of some of those that stay."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self.staying: list[Mapping[str, Any]] = []

    def add(self, records: Iterable[Mapping[str, Any]]) -> None:
        for one in records:
            self.counts[one["effect"]] += 1
            self.counts["merges"] += len(one["merges"])
            if one["effect"] == "removed" and one["others"]:
                self.counts["profiles"] += 1
            if one["effect"] == "stays" and len(self.staying) < _MOST_NAMED:
                self.staying.append(one)

    def show(self) -> None:
        rows = [
            {"what": meaning, "records": self.counts[name]}
            for name, meaning in _MEANINGS.items()
            if self.counts[name]
        ]
        print_rows(rows, {"what": "what", "records": "records"})
        if self.staying:
            print_rows(self.staying, {"stays": "record", "profile": "profile", "because": "touched"})
        more = self.counts["stays"] - len(self.staying)
        if more > 0:
            note(f"and {more} more that stay; --json has the counts, the audit log all of them")


async def _planned(config: Path, path: str) -> _Effects:
    found = _Effects()
    async with connect(settings(config), changes=False) as admin:
        cursor = ""
        while True:
            answer = await admin.get(path, limit=_MOST, cursor=cursor)
            found.add(answer["items"])
            cursor = answer["next"]
            if not cursor:
                return found


async def _undone(config: Path, path: str, reason: str) -> _Effects:
    found = _Effects()
    async with connect(settings(config), changes=True) as admin:
        while not await _next_chunk(admin, path, reason, found):
            pass
    return found


async def _next_chunk(admin: Admin, path: str, reason: str, found: _Effects) -> bool:
    answer = await admin.post(path, {"reason": reason})
    found.add(answer["records"])
    return answer["finished"]


def _print(import_id: str, effects: _Effects, did: str, *, as_json: bool) -> None:
    name = f"imp_{import_id.removeprefix('imp_')}"
    if as_json:
        print_json({"id": name, "counts": effects.counts, "staying": effects.staying})
        return
    effects.show()
    say(f"{name} {did}")
