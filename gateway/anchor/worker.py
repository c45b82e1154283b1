"""Copies each signature of the audit log to its anchor, and warns when it cannot."""

import structlog

from gateway.anchor.sink import AnchorSink, CheckpointRef, NotAccepted, ref_of
from gateway.audit.checkpoint import Checkpoint
from gateway.clock import MINUTE, SECOND, Clock, timestamp
from gateway.store import Store
from gateway.store.queries.audit import checkpoints_behind
from gateway.telemetry.metrics import Metrics

_log = structlog.get_logger("anchor")

_POLL = 1.0
_AT_ONCE = 50
_LATE = 10 * MINUTE
"""Milliseconds after which a signature without an anchor is a warning."""


class Anchor:
    """`step` is a worker's loop. Nothing that serves calls waits for it."""

    def __init__(self, sink: AnchorSink, store: Store, clock: Clock, metrics: Metrics) -> None:
        self._sink = sink
        self._store = store
        self._clock = clock
        self._metrics = metrics
        self._last: CheckpointRef | None = None
        self._oldest: Checkpoint | None = None
        self._failure = ""

    async def step(self) -> float:
        """Seconds until the next step."""
        if self._sink.is_shared and not await self._store.take_lead("anchor"):
            self._last = None
            self._tell(None, "")
            return _POLL
        try:
            next_one = await self._bring()
        except NotAccepted as error:
            self._tell(self._oldest, error.reason)
            return max(_POLL, error.pause / SECOND)
        self._tell(next_one, "")
        return _POLL if next_one is None else 0

    @property
    def warnings(self) -> tuple[str, ...]:
        """What is wrong, with the remedy. Empty if nothing is, or only since a short time."""
        if self._oldest is None or self._age() < _LATE:
            return ()
        since, place = timestamp(self._oldest.at), self._sink.name
        warning = (
            f"signatures of the audit log since {since} are not anchored: {place} does not take them ({self._failure});"
            " repair what [audit] anchor names, and the gateway sends them by itself"
        )
        return (warning,)

    async def reached(self) -> int:
        """The number of the last checkpoint that the sink has; 0 if that is not known now, or the log does not have it."""
        try:
            last = await self._sink.last()
        except NotAccepted:
            return 0
        points = await checkpoints_behind(self._store, last.checkpoint_id - 1, 1) if last is not None else []
        return points[0].checkpoint_id if points and ref_of(points[0]) == last else 0

    async def _bring(self) -> Checkpoint | None:
        """Send some checkpoints. Returns the first that remains. Raises NotAccepted, StoreUnavailable."""
        self._last = self._last or await self._sink.last()
        points = await self._behind(self._last)
        if not points:
            return None
        self._oldest = points[0]
        taken = await self._sink.take(points)
        self._last = ref_of(points[taken - 1])
        left = points[taken:] or await self._behind(self._last)
        return left[0] if left else None

    async def _behind(self, last: CheckpointRef | None) -> list[Checkpoint]:
        """The checkpoints after the last one that the sink has; all of them if the log does not have that one."""
        if last is None:
            return await checkpoints_behind(self._store, 0, _AT_ONCE)
        points = await checkpoints_behind(self._store, last.checkpoint_id - 1, _AT_ONCE + 1)
        if points and ref_of(points[0]) == last:
            return points[1:]
        _log.error(
            "anchor_differs",
            place=self._sink.name,
            hint="compare with a copy of the anchors: gateway audit verify --anchors FILE",
        )
        return await checkpoints_behind(self._store, 0, _AT_ONCE)

    def _tell(self, oldest: Checkpoint | None, failure: str) -> None:
        """Sets the metric each time, and logs once."""
        self._oldest = oldest
        self._metrics.audit.anchor_lag.set(0 if oldest is None else self._age() / SECOND)
        if failure and not self._failure:
            _log.error("anchor_not_taken", place=self._sink.name, reason=failure)
        if self._failure and not failure:
            _log.info("anchor_taken_again", place=self._sink.name)
        self._failure = failure

    def _age(self) -> int:
        return max(0, self._clock.now() - self._oldest.at) if self._oldest else 0
