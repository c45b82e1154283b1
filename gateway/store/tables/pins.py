"""Pins and splits: how they are stored."""

from gateway.model import PinRow, Split, SplitSide
from gateway.store.statement import Query, Rows
from gateway.store.tables.columns import Columns
from gateway.store.tables.table import Loading, Table, entities, rows_of
from gateway.workingset import WorkingSet

PIN = Columns("pin", PinRow, "record_a bigint, record_b bigint", renamed={"until": "expires_at"})
SPLIT = Columns("split", Split, "split_id bigint", renamed={"until": "expires_at"})
SIDE = Columns("split_side", SplitSide, "record_id bigint, split_id bigint")
_SIDE = "side"
_PINS_OF = f"""SELECT {PIN.select("p")}, 0
FROM keys(profile_id bigint) AS k CROSS JOIN record AS r ON r.profile_id = k.profile_id CROSS JOIN pin AS p"""
_SIDES_OF = f"""SELECT s.record_id, s.split_id, '{_SIDE}', x.expires_at, x.actor, x.reason, x.created_at, s.side
FROM keys(profile_id bigint) AS k CROSS JOIN record AS r ON r.profile_id = k.profile_id
CROSS JOIN split_side AS s ON s.record_id = r.record_id CROSS JOIN split AS x ON x.split_id = s.split_id"""
PINS = (
    f"{_PINS_OF} ON p.record_a = r.record_id UNION {_PINS_OF} ON p.record_b = r.record_id UNION {_SIDES_OF}"
)
"""Pins of profiles, and the sides that their records were on in splits, in one statement."""
_WHOLE = f"""SELECT {SIDE.select("s")}, {SPLIT.select("x")} FROM keys(split_id bigint) AS k
CROSS JOIN split_side AS s ON s.split_id = k.split_id LEFT JOIN split AS x ON x.split_id = s.split_id"""


def add_pins(ws: WorkingSet, rows: Rows) -> None:
    for *row, side in rows:
        if row[2] == _SIDE:
            record_id, split_id, _, *about = row
            ws.know_side(Split(split_id, *about), SplitSide(record_id, split_id, side))
        else:
            ws.know_pin(PIN.read(row))


def _load_whole_splits(ws: WorkingSet, split_ids: list[int]) -> Loading:
    """With those that were lifted: what is left of them are their sides."""
    for split_id in split_ids:
        ws.whole_splits.put(split_id, True)
    [rows] = yield [Query(_WHOLE, split_ids)]
    for record_id, split_id, side, *row in rows:
        ws.know_side(None if row[0] is None else SPLIT.read(row), SplitSide(record_id, split_id, side))
    for split_id in split_ids:
        if split_id not in ws.splits:
            ws.splits.put(split_id, None)


TABLES = (
    Table("all_pins", None, rows_of(PIN)),
    entities("splits", SPLIT),
    Table("split_sides", None, rows_of(SIDE)),
    Table("whole_splits", _load_whole_splits),
)
