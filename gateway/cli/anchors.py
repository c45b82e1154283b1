"""The comparison of `gateway audit verify --anchors`: signatures of a file against those of the log."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from gateway.anchor.line import read
from gateway.cli.admin_client import Admin
from gateway.cli.failure import Failure

_MOST_BREACHES = 100
Kept = Mapping[tuple[int, str], int]
"""Number and signature of each anchored checkpoint, with its line."""


def read_anchors(path: Path) -> Kept:
    """Lines that are no anchor are skipped: one that a crash cut short, or another event of a webhook. Raises Failure."""
    kept: dict[tuple[int, str], int] = {}
    try:
        with path.open("rb") as lines:
            for number, line in enumerate(lines, 1):
                if (one := read(line)) is not None:
                    kept.setdefault((one.checkpoint, one.signature), number)
    except OSError as error:
        raise Failure(f"{path}: cannot be read ({error.strerror})") from None
    if not kept:
        raise Failure(
            f"{path}: holds no anchor; give the file that [audit] anchor names, or the lines that its webhook stored"
        )
    return kept


async def compared(admin: Admin, kept: Kept, moved: Any, directory: str) -> dict[str, Any]:
    """`parted`: the anchored checkpoints that the log does not have, because it was restored to an earlier state or rewritten.
    `unanchored`: how many of the log's checkpoints are not in the file. `uncompared`: how many anchors are of checkpoints that are
    in the archive, of which only the last is known without its `directory`."""
    left, unanchored = dict(kept), 0
    async for line in admin.lines("/audit/checkpoints", archive=directory):
        point = msgspec.json.decode(line)
        unanchored += left.pop((point["id"], point["signature"]), None) is None
    parted, uncompared = list[dict[str, Any]](), 0
    if moved and not directory:
        parted, left, uncompared = _without_archive(left, moved["number"], moved["signature"])
    parted += [
        _breach(number, f"line {line}: the log does not have this checkpoint")
        for (number, _), line in left.items()
    ]
    return {"parted": parted[:_MOST_BREACHES], "unanchored": unanchored, "uncompared": uncompared}


def _without_archive(left: Kept, number: int, signature: str) -> tuple[list[dict[str, Any]], Kept, int]:
    """The last archived checkpoint covers all before it by its signature. So an anchor of it must be there if there are earlier
    ones: otherwise a log that was rewritten could name any archive."""
    earlier = {key for key in left if key[0] < number}
    is_anchored = (number, signature) in left
    rest = {key: line for key, line in left.items() if key not in earlier and key != (number, signature)}
    if is_anchored or not earlier:
        return [], rest, len(earlier)
    what = f"no line has checkpoint {number}, the last in the archive, as the log names it; add --archive DIRECTORY"
    return [_breach(number, what)], rest, len(earlier)


def _breach(number: int, what: str) -> dict[str, Any]:
    return {"chain": "anchor", "seq": number, "what": what}
