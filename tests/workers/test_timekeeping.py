"""What the gateway says about the clock that it goes by, and that spans within a process do not hang on it."""

from collections.abc import AsyncGenerator, Callable
from pathlib import Path

import pytest
import structlog
from structlog.testing import capture_logs

from gateway.clock import DAY, HOUR, MINUTE, SECOND, SystemClock, boot_id
from gateway.config import RateLimit
from gateway.http.gameball.limits import FailureBudget, TokenBucket
from gateway.telemetry.metrics import Metrics
from gateway.upstream.breaker import Breaker
from gateway.upstream.limiter import Limiter, Quota
from gateway.workers.timekeeping import ClockState, Timekeeper
from tests.support.in_process_gateway import InProcessGateway, ManualClock, caller, customer

FINE = ClockState(0, 0, 0, 0, 0)


class Machine:
    """A gateway's inside on a machine of which the test holds both clocks (ms)."""

    def __init__(self, core: InProcessGateway, boot: str = "") -> None:
        self.core = core
        self.wall = core.clock.time
        self.steady = 7
        self.metrics = Metrics()
        self.clock = SystemClock(
            10 * MINUTE, wall=lambda: self.wall * 1_000_000, steady=lambda: self.steady * 1_000_000
        )
        self.keeper = Timekeeper(self.clock, core.store, core.pipeline, self.metrics, boot)

    def advance(self, span: int, jump: int = 0) -> None:
        self.steady += span
        self.wall += span + jump

    def ahead(self, of: str) -> float | None:
        return self.metrics.registry.get_sample_value("gateway_clock_ahead_seconds", {"of": of})


@pytest.fixture(autouse=True)
def _every_line() -> None:
    """Another test's gateway may have been told to log less."""
    structlog.reset_defaults()


@pytest.fixture
async def machine(tmp_path: Path) -> AsyncGenerator[Machine]:
    async with InProcessGateway(tmp_path) as core:
        await core.send(customer("web:ann"))
        machine = Machine(core)
        await machine.keeper.begin()
        yield machine


async def test_a_clock_that_is_right_gives_no_warning(machine: Machine) -> None:
    machine.advance(HOUR)
    with capture_logs() as logs:
        await machine.keeper.step()
    assert machine.keeper.state.warnings == ()
    assert [machine.ahead(of) for of in ("wall", "database", "machine")] == [0, 0, 0]
    assert logs == []


async def test_a_jump_and_its_end_are_logged_once_each(machine: Machine) -> None:
    with capture_logs() as logs:
        machine.advance(SECOND, DAY)
        for _ in range(3):
            await machine.keeper.step()
        assert machine.ahead("wall") == DAY / SECOND
        (warning,) = machine.keeper.state.warnings
        assert "jumped 1 d ahead" in warning
        assert "another 10 min" in warning
        machine.advance(SECOND, -DAY)
        await machine.keeper.step()
    assert machine.keeper.state.warnings == ()
    assert [line["event"] for line in logs] == ["clock_jumped", "clock_agrees_again"]


async def test_a_jump_that_lasted_is_in_the_audit_log(machine: Machine) -> None:
    machine.advance(0, DAY)
    await machine.keeper.step()
    machine.advance(10 * MINUTE)
    await machine.keeper.step()
    assert (await machine.core.actions())[-1] == "clock.believed"
    assert await machine.core.column("SELECT actor FROM audit ORDER BY event_id DESC LIMIT 1") == ["gateway"]


async def test_an_operators_confirmation_is_audited_once(machine: Machine) -> None:
    machine.advance(0, DAY)
    state = await machine.keeper.believe(caller(""))
    await machine.keeper.step()
    assert state.warnings == ()
    assert state.now == machine.wall
    assert (await machine.core.actions()).count("clock.believed") == 1


async def test_a_warning_says_how_far_the_database_is_ahead(machine: Machine) -> None:
    machine.core.clock.ahead = 400 * DAY + 5 * SECOND
    await machine.core.send(customer("web:bob"))
    with capture_logs() as logs:
        for _ in range(5):
            machine.advance(SECOND)
            await machine.keeper.step()
    assert machine.ahead("database") == 400 * DAY / SECOND
    (warning,) = machine.keeper.state.warnings
    assert "400 d ahead of the clock" in warning
    assert [line["event"] for line in logs] == ["database_ahead_of_clock"]


@pytest.mark.parametrize(("silent", "said"), [(6 * DAY, []), (8 * DAY, ["database_silent"])])
async def test_a_start_after_a_long_silence_is_logged(machine: Machine, silent: int, said: list[str]) -> None:
    machine.advance(silent)
    with capture_logs() as logs:
        await machine.keeper.begin()
    assert [line["event"] for line in logs] == said


@pytest.mark.parametrize(
    ("state", "words"),
    [
        (FINE, ()),
        (FINE._replace(database_ahead=5 * SECOND), ()),
        (FINE._replace(database_ahead=-DAY), ()),
        (FINE._replace(machine_ahead=-5 * SECOND), ()),
        (FINE._replace(database_ahead=6 * SECOND), ("6 s ahead of the clock",)),
        (FINE._replace(wall_ahead=-HOUR - MINUTE, believed_in=500), ("1 h 1 min back", "less than a second")),
        (FINE._replace(wall_ahead=2 * DAY + 1, believed_in=MINUTE), ("2 d ahead", "another 1 min")),
        (FINE._replace(machine_ahead=HOUR), ("1 h ahead of the database server's",)),
        (FINE._replace(machine_ahead=-HOUR), ("1 h behind the database server's",)),
        (FINE._replace(machine_ahead=HOUR, database_ahead=DAY), ("NTP", "1 d ahead")),
    ],
)
def test_a_warning_states_the_size_and_direction_of_the_jump(
    state: ClockState, words: tuple[str, ...]
) -> None:
    said = "\n".join(state.warnings)
    assert bool(said) == bool(words)
    assert all(word in said for word in words)


# ---- a start within a boot ----


def restarted(before: Machine, jump: int = 0, boot: str = "boot-1") -> Machine:
    """Another run an hour later, with the wall clock moved by `jump` meanwhile."""
    after = Machine(before.core, boot)
    after.steady, after.wall = before.steady + HOUR, before.wall + HOUR + jump
    return after


@pytest.fixture
async def served(tmp_path: Path) -> AsyncGenerator[Machine]:
    async with InProcessGateway(tmp_path) as core:
        machine = Machine(core, "boot-1")
        await machine.keeper.begin()
        await machine.keeper.step()
        yield machine


@pytest.mark.parametrize("jump", [400 * DAY, -400 * DAY])
async def test_a_clock_that_is_wrong_at_a_start_is_detected_within_a_boot(served: Machine, jump: int) -> None:
    again = restarted(served, jump)
    await again.keeper.begin()
    assert again.clock.now() == served.wall + HOUR
    assert again.keeper.state.wall_ahead == jump
    assert again.keeper.state.warnings
    again.wall -= jump
    await again.keeper.step()
    assert again.keeper.state.warnings == ()


async def test_a_clock_that_lasts_is_believed_and_the_next_start_knows_it(served: Machine) -> None:
    again = restarted(served, DAY)
    await again.keeper.begin()
    again.advance(10 * MINUTE)
    await again.keeper.step()
    assert again.clock.now() == again.wall
    third = restarted(again)
    await third.keeper.begin()
    assert third.keeper.state.warnings == ()
    assert third.clock.now() == third.wall


async def test_an_operators_confirmation_holds_for_the_next_start(served: Machine) -> None:
    again = restarted(served, DAY)
    await again.keeper.begin()
    await again.keeper.believe(caller(""))
    third = restarted(again)
    await third.keeper.begin()
    assert third.clock.now() == third.wall


@pytest.mark.parametrize("boot", ["boot-2", ""])
async def test_after_another_boot_the_clock_at_the_start_is_believed(served: Machine, boot: str) -> None:
    again = restarted(served, DAY, boot)
    await again.keeper.begin()
    assert again.clock.now() == again.wall
    assert again.keeper.state.warnings == ()


async def test_a_start_by_itself_keeps_nothing(tmp_path: Path) -> None:
    async with InProcessGateway(tmp_path) as core:
        await Machine(core, "boot-1").keeper.begin()
        assert await core.rows("SELECT * FROM boot") == []


def test_the_id_of_a_boot_does_not_change() -> None:
    assert boot_id()
    assert boot_id() == boot_id()


# ---- spans within a process ----


@pytest.fixture(params=[-400 * DAY, -HOUR, HOUR, 400 * DAY])
def jumped(request: pytest.FixtureRequest) -> Callable[[ManualClock], None]:
    def jump(clock: ManualClock) -> None:
        clock.ahead += request.param

    return jump


def test_a_rate_limit_neither_opens_nor_closes(jumped: Callable[[ManualClock], None]) -> None:
    clock = ManualClock()
    bucket = TokenBucket(RateLimit(per_second=1, burst=1), clock)
    assert bucket.take() == 0
    jumped(clock)
    assert bucket.take() == SECOND
    clock.advance(SECOND)
    assert bucket.take() == 0


def test_a_failure_budget_lasts_for_a_minute(jumped: Callable[[ManualClock], None]) -> None:
    clock = ManualClock()
    budget = FailureBudget(1, clock)
    assert budget.spend("10.0.0.1") == 0
    jumped(clock)
    assert budget.spend("10.0.0.1") > 0
    clock.advance(MINUTE)
    assert budget.spend("10.0.0.1") == 0


def test_a_breaker_opens_for_as_long_as_it_says(jumped: Callable[[ManualClock], None]) -> None:
    clock = ManualClock()
    breaker = Breaker(clock)
    for _ in range(5):
        breaker.failed()
    jumped(clock)
    assert breaker.wait() == 30 * SECOND
    clock.advance(30 * SECOND)
    assert breaker.wait() == 0


def test_a_quota_counts_the_calls_of_its_second(jumped: Callable[[ManualClock], None]) -> None:
    clock = ManualClock()
    limiter = Limiter({"others": Quota(1, 100)}, clock, lambda low, _: low)
    limiter.note("others")
    limiter.done("others")
    jumped(clock)
    assert limiter.wait("others") == SECOND
    clock.advance(SECOND)
    assert limiter.wait("others") == 0
