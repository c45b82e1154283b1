"""What a batch loads and what it writes, the same for both engines: a walk over the tables.

A load has one statement for each kind of thing, whatever the size of the batch. A save has one statement for each kind of change.
If the keys of its rows are scattered, the rows are sorted as the tree is, so that a large batch touches each page once.
"""

from collections.abc import Iterator

from gateway.audit.chain import Chain
from gateway.store.protocol import Work
from gateway.store.row_digests import digests
from gateway.store.statement import Write
from gateway.store.tables import TABLES, erasure
from gateway.store.tables.audit import audit_write
from gateway.store.tables.table import Loading
from gateway.workingset import WorkingSet

_MOST_ROUNDS = 256
"""Far more than any command needs. A use case limits by itself what could take long."""
_ORDER = {table.collection: place for place, table in enumerate(TABLES)}
_LOADS = {table.collection: table.load for table in TABLES if table.load is not None}
_SAVES = {table.collection: table.save for table in TABLES if table.save is not None}


class StaleEpoch(Exception):
    """Another process decided the achievement, or claimed the delivery, since it was loaded."""


class TooManyRounds(Exception):
    """A use case asked for more after every look-up: a fault of its `wants`."""


def load(work: Work, ws: WorkingSet) -> Loading:
    """Look up what `work` asks for until it asks for nothing more; what does not exist is noted as absent."""
    for _ in range(_MOST_ROUNDS):
        work.wants(ws)
        if not ws.wanting():
            return
        yield from load_wanted(ws)
    raise TooManyRounds


def load_wanted(ws: WorkingSet) -> Loading:
    """Load one kind of thing after the other; a later one only asks for what earlier ones did not bring."""
    for name in sorted(ws.wanting(), key=_ORDER.__getitem__):
        if keys := getattr(ws, name).take_wanted():
            yield from _LOADS[name](ws, keys)


def writes(ws: WorkingSet, chain: Chain) -> Iterator[Write]:
    """Everything that the batch changed since its last save, as statements in the order in which they have to run."""
    changed = ws.changed()
    erases = not erasure.COLLECTIONS.isdisjoint(changed)
    if erases:
        yield from erasure.before(ws)
    for name in sorted((name for name in changed if name in _SAVES), key=_ORDER.__getitem__):
        yield from _SAVES[name](ws, ws.collections[name])
    if erases:
        yield from erasure.after(ws)
    if rows := digests(ws, changed, chain.row_key):
        chain.cover(rows)
    if ws.new_events:
        yield audit_write(ws.new_events, chain)
