"""What a verification holds in memory does not grow with the log."""

import tracemalloc

import msgspec

from gateway.audit.chain import Link
from gateway.store import Store
from gateway.store.queries.verification import verify
from gateway.store.statement import Write
from tests.audit.log_in_memory import KEY, Log

_EVENT = f"INSERT INTO audit VALUES ({', '.join('?' * 15)})"
_POINT = "INSERT INTO audit_checkpoint VALUES (?, ?, ?, ?)"
FEW = 1_000


async def _write_checkpoints(store: Store, log: Log, count: int) -> None:
    """Each signs one more event of a chain."""
    first = len(log.points)
    if not log.links:
        log.begin("c", 0)
    made = list[Link]()
    for _ in range(count):
        made.append(log.chain("c").link(log.event()))
        log.sign(reaches={"c": (made[-1].seq, made[-1].hash.hex())})
    rows = [_row(link) for link in made]
    assert await store.write(Write(_EVENT, rows), Write(_POINT, [tuple(one) for one in log.points[first:]]))


def _row(link: Link) -> tuple[object, ...]:
    event_id, *fields = msgspec.structs.astuple(link.event)
    return event_id, link.chain, link.seq, *fields, link.hash, link.bound


async def _peak(store: Store, checkpoints: int) -> int:
    tracemalloc.start()
    verdict = await verify(store, KEY)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert (verdict.breaches, verdict.checkpoints) == ([], checkpoints + 1)
    return peak


async def test_ten_times_the_checkpoints_take_no_more_memory(store: Store) -> None:
    log = Log()
    await _write_checkpoints(store, log, FEW)
    few = await _peak(store, FEW)
    await _write_checkpoints(store, log, 9 * FEW)
    log.points.clear()
    assert await _peak(store, 10 * FEW) < 1.5 * few
