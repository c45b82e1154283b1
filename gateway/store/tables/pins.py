"""Pins: how they are stored."""

from gateway.model import PinRow
from gateway.store.statement import Rows
from gateway.store.tables.columns import Columns
from gateway.store.tables.table import Table, rows_of
from gateway.workingset import WorkingSet

PIN = Columns("pin", PinRow, "record_a bigint, record_b bigint", renamed={"until": "expires_at"})
_PINS_OF = f"""SELECT {PIN.select("p")}
FROM keys(profile_id bigint) AS k CROSS JOIN record AS r ON r.profile_id = k.profile_id CROSS JOIN pin AS p"""
PINS = f"{_PINS_OF} ON p.record_a = r.record_id UNION {_PINS_OF} ON p.record_b = r.record_id"
"""Pins of profiles."""


def add_pins(ws: WorkingSet, rows: Rows) -> None:
    for row in rows:
        ws.know_pin(PIN.read(row))


TABLES = (Table("all_pins", None, rows_of(PIN)),)
