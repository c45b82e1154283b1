"""The check of the audit log as it is stored: the chains, their signatures, and that questions find what it holds."""

from typing import NamedTuple

from gateway.audit.verify import Breach, Tail, Verifier
from gateway.ids import show
from gateway.store import Store
from gateway.store.reports.audit import checkpoints, findable, hidden, links
from gateway.store.reports.state import Covered, verify_rows
from gateway.store.vouching import row_key

_HIDDEN = (
    "{} is not found by its profile, object or request: rows were taken out of the table lookup;"
    " empty lookup and lookup_progress, and the gateway fills them again"
)


class Verdict(NamedTuple):
    """`earlier`: chains from before their beginnings were signed. `tails`: what nothing proves."""

    events: int
    chains: int
    earlier: int
    checkpoints: int
    breaches: list[Breach]
    tails: list[Tail]
    rows: list[Covered]
    """Empty unless asked for, and for a log that does not hold: it says nothing of rows."""


async def verify(store: Store, key: bytes, *, state: bool = False) -> Verdict:
    """A breach counts when it is there twice: where several gateways write, an event may be committed behind the place that
    was just read, and would seem to be missing."""
    verdict = await _read_through(store, key, state)
    if verdict.breaches:
        again = await _read_through(store, key, state)
        verdict = again._replace(breaches=[one for one in again.breaches if one in verdict.breaches])
    return verdict


async def _read_through(store: Store, key: bytes, state: bool) -> Verdict:
    """Checkpoints are read first: those written while the links are read sign events that were not read."""
    points, listed = await checkpoints(store), await findable(store)
    verifier, breaches = Verifier(points), list[Breach]()
    async for chunk in links(store):
        breaches += verifier.feed(chunk)
        for event_id in await hidden(store, chunk, listed):
            breaches.append(Breach("lookup", 0, _HIDDEN.format(show("evt", event_id))))
    breaches += verifier.check(key, points)
    rows = list[Covered]()
    if state and all(breach.chain == "lookup" for breach in breaches):
        changed, rows = await verify_rows(store, row_key(key), verifier.rows_since)
        breaches += changed
    return Verdict(
        verifier.events, len(verifier.heads), verifier.earlier, len(points), breaches, verifier.tails(), rows
    )
