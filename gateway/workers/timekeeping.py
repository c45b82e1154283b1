"""Watches the clock that decides deadlines: why it may be wrong, and how far the database is ahead of it. The log, the metrics,
`/readyz` and `gateway db clock` report both, with what to do."""

from typing import NamedTuple

import structlog

from gateway.audit.event import Action
from gateway.clock import DAY, HOUR, JUMP, MINUTE, SECOND, SystemClock
from gateway.model import Caller, NoteEvent
from gateway.pipeline import Pipeline
from gateway.store import Store
from gateway.store.gateway_reads import newest_moment
from gateway.store.statement import Write
from gateway.telemetry.metrics import Metrics

_log = structlog.get_logger("clock")

_LOOK_EVERY = 1.0
_ASK_DATABASE_EVERY = 5 * SECOND
"""The newest moment of the database. It only concerns ids and audit times, which wait by themselves."""
_SLOWEST_ANSWER = SECOND
"""If the database server takes longer, its answer is not the time of now."""
_LONG_SILENCE = 7 * DAY
_ITSELF = Caller("", "", "gateway", "")
_KEEP_LINE = "INSERT INTO boot VALUES (?, ?) ON CONFLICT (boot_id) DO UPDATE SET line = excluded.line"
_HINT = "gateway db clock says what to do"


class ClockState(NamedTuple):
    """All in ms. `now` is the time that decides deadlines. Three fields are how far something is ahead of it, below 0 behind it.
    `wall_ahead`: the wall clock, while a jump of it is not believed; it will be in `believed_in`. `database_ahead`: the newest
    moment of the database. `machine_ahead`: this machine's own clock, if the database server's is the one that counts."""

    now: int
    wall_ahead: int
    believed_in: int
    database_ahead: int
    machine_ahead: int

    @property
    def warnings(self) -> tuple[str, ...]:
        """What is wrong, and what to do. Empty: nothing."""
        return tuple(text for text in (self._jump(), self._database(), self._machine()) if text)

    def _jump(self) -> str:
        if not self.wall_ahead:
            return ""
        return (
            f"the clock jumped {_span(self.wall_ahead)} {'ahead' if self.wall_ahead > 0 else 'back'} and is not believed"
            f" for another {_span(self.believed_in)}: if it is wrong, set it; if it is right, run: gateway db clock --believe"
        )

    def _database(self) -> str:
        if self.database_ahead <= JUMP:
            return ""
        return (
            f"the newest moment in the database is {_span(self.database_ahead)} ahead of the clock: if the clock is wrong, set it"
            " and run: gateway db clock --believe; if it is right, it was ahead before, and nothing is to be done: deadlines go by"
            " the clock, while ids and audit times stay where they are until the clock comes there"
        )

    def _machine(self) -> str:
        if abs(self.machine_ahead) <= JUMP:
            return ""
        return (
            f"this machine's clock is {_span(self.machine_ahead)} {'ahead of' if self.machine_ahead > 0 else 'behind'} the"
            " database server's, by which all gateways go: set whichever is wrong (NTP)"
        )


class Timekeeper:
    """Call `begin` once the store is open, then `step` repeatedly. `boot` names the boot from which the steady clock counts; "": it
    is not known whether another run belongs to the same one."""

    def __init__(
        self, clock: SystemClock, store: Store, pipeline: Pipeline, metrics: Metrics, boot: str = ""
    ) -> None:
        self._clock = clock
        self._store = store
        self._pipeline = pipeline
        self._metrics = metrics
        self._line = 0
        self._boot = boot
        self._has_server = False
        self._newest = 0
        self._newest_asked_at: int | None = None
        self._kept: int | None = None
        self._told: frozenset[str] = frozenset()
        self.state = ClockState(clock.now(), 0, 0, 0, 0)

    async def begin(self) -> None:
        """Continue from an earlier run of this boot. Without one, believe the time at the start: it can only be compared with the
        newest moment of the database, and the gateway may really have been off since."""
        if not await self._ask_server() and self._boot:
            rows = await self._store.fetch("SELECT line FROM boot WHERE boot_id = ?", (self._boot,))
            self._kept = rows[0][0] if rows else None
        if self._kept is None:
            self._clock.believe()
        else:
            self._clock.resume(self._kept)
        state = await self.look()
        self._line = state.now - self._clock.steady()
        silent = state.now - self._newest
        if self._newest and silent > _LONG_SILENCE:
            _log.warning(
                "database_silent",
                seconds=silent // SECOND,
                hint="if the gateway was not away for so long, the clock is ahead: stop the gateway and set it",
            )

    async def step(self) -> float:
        """Look, and report what changed. Returns the seconds until the next step."""
        asked_at = self._newest_asked_at
        is_old = asked_at is None or self._clock.steady() - asked_at >= _ASK_DATABASE_EVERY
        state = await (self.look() if is_old else self._look())
        line = state.now - self._clock.steady()
        moved, self._line = line - self._line, line
        if abs(moved) > JUMP:
            await self._note(_ITSELF, moved)
        await self._keep_line()
        return _LOOK_EVERY

    async def believe(self, caller: Caller) -> ClockState:
        """An operator says that the wall clock is right."""
        moved = self._clock.believe()
        self._line += moved
        if moved:
            await self._note(caller, moved)
        state = await self.look()
        await self._keep_line()
        return state

    async def look(self) -> ClockState:
        """The state of the clock now."""
        self._newest, self._newest_asked_at = await newest_moment(self._store), self._clock.steady()
        return await self._look()

    async def _look(self) -> ClockState:
        has_server = await self._ask_server()
        doubt, now = self._clock.doubt(), self._clock.now()
        self.state = ClockState(
            now,
            doubt.ahead if doubt else 0,
            max(0, doubt.until - self._clock.steady()) if doubt else 0,
            self._newest - now,
            -self._clock.ahead_of_machine() if has_server else 0,
        )
        self._tell()
        return self.state

    async def _keep_line(self) -> None:
        """For the next run of this boot. On PostgreSQL the server's clock counts instead."""
        if self._has_server or not self._boot:
            return
        if self._kept is None or abs(self._line - self._kept) > SECOND:
            await self._store.write(Write(_KEEP_LINE, [(self._boot, self._line)]))
            self._kept = self._line

    async def _ask_server(self) -> bool:
        asked_at = self._clock.steady()
        said = await self._store.server_time()
        if said is not None and self._clock.steady() - asked_at <= _SLOWEST_ANSWER:
            self._clock.note_server_time(said)
        self._has_server = said is not None
        return self._has_server

    def _tell(self) -> None:
        """In the metrics always, in the log once."""
        state = self.state
        ahead = self._metrics.clock_ahead
        ahead.labels("wall").set(state.wall_ahead / SECOND)
        ahead.labels("database").set(max(0, state.database_ahead) / SECOND)
        ahead.labels("machine").set(state.machine_ahead / SECOND)
        wrong = {
            "clock_jumped": state.wall_ahead if state.wall_ahead else 0,
            "database_ahead_of_clock": state.database_ahead if state.database_ahead > JUMP else 0,
            "machine_clock_differs": state.machine_ahead if abs(state.machine_ahead) > JUMP else 0,
        }
        found = frozenset(name for name, span in wrong.items() if span)
        for name in sorted(found - self._told):
            _log.error(name, ahead_seconds=wrong[name] / SECOND, hint=_HINT)
        for name in sorted(self._told - found):
            _log.info("clock_agrees_again", was=name)
        self._told = found

    async def _note(self, caller: Caller, moved: int) -> None:
        _log.warning("clock_believed", moved_seconds=moved / SECOND, actor=caller.actor)
        await self._pipeline.submit(NoteEvent(caller, Action.CLOCK_BELIEVED, {"moved_ms": moved}))


def _span(milliseconds: int) -> str:
    """The two largest units of a span, whatever its sign: `400 d 2 h`."""
    left, parts = abs(milliseconds), list[str]()
    for size, unit in ((DAY, "d"), (HOUR, "h"), (MINUTE, "min"), (SECOND, "s")):
        count, left = divmod(left, size)
        if count:
            parts.append(f"{count} {unit}")
    return " ".join(parts[:2]) or "less than a second"
