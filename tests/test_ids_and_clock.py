"""Ids grow, and no clock that is wrong for a moment is believed."""

import time
from dataclasses import dataclass
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.clock import DAY, HOUR, MINUTE, SECOND, Stamps, SystemClock
from gateway.ids import Ids, api_number, read, show
from tests.support.in_process_gateway import NOON

NUMBERS = st.integers(0, (1 << 63) - 1)
MOMENTS = st.lists(st.integers(NOON - HOUR, NOON + HOUR), min_size=1, max_size=50)

# ---- ids ----


@given(MOMENTS, st.integers(0, 65_535))
def test_ids_of_one_writer_grow_whatever_the_clock_does(moments: list[int], node: int) -> None:
    ids = Ids(node)
    drawn = [ids.next(now) for now in moments]
    assert all(one < other for one, other in pairwise(drawn))
    assert all(0 < number < 1 << 63 for number in drawn)


def test_more_ids_than_a_millisecond_holds_borrow_from_the_next_one() -> None:
    ids = Ids(1)
    drawn = [ids.next(NOON) for _ in range(10_000)]
    assert len(set(drawn)) == 10_000
    assert drawn == sorted(drawn)
    assert ids.next(NOON + 5) > drawn[-1]


@given(st.integers(NOON, NOON + HOUR), st.integers(1, HOUR))
def test_an_id_of_a_later_time_is_greater_from_any_source(now: int, later: int) -> None:
    assert Ids(1023).next(now) < Ids(0).next(now + later)


def test_two_writers_draw_different_ids_in_the_same_millisecond() -> None:
    one, other = Ids(1), Ids(2)
    assert {one.next(NOON) for _ in range(100)}.isdisjoint(other.next(NOON) for _ in range(100))


@given(st.integers(0, 65_535), st.integers(0, 65_535), st.integers(0, 5_000))
def test_ids_grow_also_when_they_go_on_as_another_writers(node: int, other: int, count: int) -> None:
    ids = Ids(node)
    before = [ids.next(NOON) for _ in range(count)]
    ids.move(other)
    assert ids.next(NOON) > max(before, default=0)


@given(NUMBERS)
def test_what_is_shown_can_be_read_back(number: int) -> None:
    assert read("prf", show("prf", number)) == number
    assert read("rec", show("prf", number)) is None


@given(st.one_of(st.text(), st.text("0123456789abcdefxABCDEF_-+ ", min_size=16, max_size=16)))
def test_only_what_is_shown_can_be_read(digits: str) -> None:
    number = read("prf", f"prf_{digits}")
    assert number is None or show("prf", number) == f"prf_{digits}"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "prf",
        "prf_",
        "prf_1",
        "prf_0x0000000000000a",
        "prf_00000000000000A1",
        "prf_ffffffffffffffff",
        "prf_٠٠٠٠٠٠٠٠٠٠٠٠٠٠٠٠",
    ],
)
def test_text_that_is_not_an_id_is_none(text: str) -> None:
    assert read("prf", text) is None


@given(MOMENTS)
def test_numbers_for_the_api_keep_the_order_and_fit_into_a_double(moments: list[int]) -> None:
    ids = Ids(77)
    numbers = [api_number(ids.next(now)) for now in moments]
    assert all(one < other for one, other in pairwise(numbers))
    assert all(number < 1 << 53 for number in numbers)


# ---- the clock ----


@dataclass
class Hardware:
    """Both clocks of a machine, in nanoseconds, in the test's hands."""

    wall: int = NOON * 1_000_000
    steady: int = 7

    def advance(self, milliseconds: float, jump: int = 0) -> None:
        """Let time pass; `jump` (ms): the wall clock is moved by so much in the meantime."""
        self.steady += round(milliseconds * 1_000_000)
        self.wall += round(milliseconds * 1_000_000) + jump * 1_000_000

    def clock(self, believe_after: int = 10 * MINUTE) -> SystemClock:
        return SystemClock(believe_after, wall=lambda: self.wall, steady=lambda: self.steady)


@pytest.fixture
def hardware() -> Hardware:
    return Hardware()


def test_the_clock_follows_the_wall_clock(hardware: Hardware) -> None:
    clock = hardware.clock()
    for span in (250, 0, HOUR, 400 * DAY):
        hardware.advance(span)
        assert clock.now() == hardware.wall // 1_000_000
        assert clock.doubt() is None


JUMPS = (6 * SECOND, MINUTE, HOUR, DAY, 400 * DAY, 40 * 365 * DAY)


@pytest.mark.parametrize("jump", [*JUMPS, *(-jump for jump in JUMPS)])
def test_a_jump_that_does_not_last_is_never_seen(hardware: Hardware, jump: int) -> None:
    clock = hardware.clock()
    hardware.advance(SECOND, jump)
    assert clock.now() == NOON + SECOND
    hardware.advance(2 * SECOND)
    assert clock.now() == NOON + 3 * SECOND
    doubt = clock.doubt()
    assert doubt is not None
    assert doubt.ahead == jump
    hardware.advance(SECOND, -jump)
    assert clock.now() == NOON + 4 * SECOND
    assert clock.doubt() is None


@pytest.mark.parametrize("jump", JUMPS)
def test_a_jump_ahead_is_believed_when_it_lasted(hardware: Hardware, jump: int) -> None:
    clock = hardware.clock()
    hardware.advance(0, jump)
    for minute in range(10):
        assert clock.now() == NOON + minute * MINUTE
        hardware.advance(MINUTE)
    assert clock.now() == NOON + 10 * MINUTE + jump
    assert clock.doubt() is None


@pytest.mark.parametrize("jump", JUMPS)
def test_a_jump_back_is_believed_after_a_minute(hardware: Hardware, jump: int) -> None:
    clock = hardware.clock()
    hardware.advance(0, -jump)
    assert clock.now() == NOON
    hardware.advance(MINUTE - 1)
    assert clock.now() == NOON + MINUTE - 1
    hardware.advance(1)
    assert clock.now() == NOON + MINUTE - jump


def test_how_long_a_jump_has_to_last_is_a_setting(hardware: Hardware) -> None:
    patient, hasty, credulous = hardware.clock(HOUR), hardware.clock(20 * SECOND), hardware.clock(0)
    hardware.advance(0, DAY)
    assert (patient.now(), hasty.now(), credulous.now()) == (NOON, NOON, NOON + DAY)
    hardware.advance(20 * SECOND)
    assert (patient.now(), hasty.now()) == (NOON + 20 * SECOND, NOON + 20 * SECOND + DAY)


def test_another_jump_has_to_last_anew(hardware: Hardware) -> None:
    clock = hardware.clock()
    for _ in range(5):
        hardware.advance(9 * MINUTE, DAY)
        clock.now()
    assert clock.now() == NOON + 45 * MINUTE
    hardware.advance(10 * MINUTE)
    assert clock.now() == NOON + 55 * MINUTE + 5 * DAY


def test_a_clock_that_is_corrected_slowly_while_it_is_in_doubt_is_believed_in_time(
    hardware: Hardware,
) -> None:
    clock = hardware.clock()
    hardware.advance(0, HOUR)
    for _ in range(600):
        clock.now()
        hardware.advance(SECOND, 50)
    assert clock.now() == hardware.wall // 1_000_000


def test_a_time_confirmed_by_an_operator_is_believed_at_once(hardware: Hardware) -> None:
    clock = hardware.clock()
    for jump in (DAY, -HOUR):
        hardware.advance(SECOND, jump)
        assert clock.believe() == jump
        assert clock.now() == hardware.wall // 1_000_000
        assert clock.doubt() is None


@pytest.mark.parametrize("step", [1, 500, 3_000, 5_000])
def test_a_small_step_back_is_made_up_for_without_going_back(hardware: Hardware, step: int) -> None:
    clock = hardware.clock()
    hardware.advance(0, -step)
    seen = [clock.now()]
    for _ in range(3 * step):
        hardware.advance(1)
        seen.append(clock.now())
    assert seen == sorted(seen)
    assert seen[-1] == hardware.wall // 1_000_000


@pytest.mark.parametrize("step", [1, 500, 3_000, 5_000])
def test_a_small_step_ahead_is_followed_at_once(hardware: Hardware, step: int) -> None:
    clock = hardware.clock()
    hardware.advance(SECOND, step)
    assert clock.now() == NOON + SECOND + step


def test_a_machine_that_slept_without_counting_it_is_believed_in_time(hardware: Hardware) -> None:
    clock = hardware.clock()
    hardware.advance(0, 8 * HOUR)
    assert clock.now() == NOON
    hardware.advance(10 * MINUTE)
    clock.now()
    hardware.advance(10 * MINUTE)
    assert clock.now() == hardware.wall // 1_000_000


def test_a_machine_that_slept_and_counted_it_is_believed_at_once(hardware: Hardware) -> None:
    clock = hardware.clock()
    hardware.advance(8 * HOUR)
    assert clock.now() == NOON + 8 * HOUR


def test_a_database_server_stands_in_for_the_machines_clock(hardware: Hardware) -> None:
    clock = hardware.clock()
    hardware.advance(0, 400 * DAY)
    clock.note_server_time(NOON + SECOND)
    assert clock.now() == NOON + SECOND
    assert clock.ahead_of_machine() == SECOND - 400 * DAY
    hardware.advance(MINUTE, -HOUR)
    assert clock.now() == NOON + MINUTE + SECOND
    clock.note_server_time(NOON + DAY)
    assert clock.now() == NOON + MINUTE + SECOND
    assert clock.doubt() is not None
    clock.believe()
    assert clock.now() == NOON + DAY


@given(st.lists(st.tuples(st.floats(0, 5_000), st.integers(-HOUR, HOUR)), max_size=30))
def test_time_never_runs_backwards_while_no_jump_lasts(moves: list[tuple[float, int]]) -> None:
    hardware = Hardware()
    clock = hardware.clock()
    seen = [clock.now()]
    for milliseconds, jump in moves:
        hardware.advance(milliseconds, jump)
        seen.append(clock.now())
        hardware.advance(0, -jump)
        seen.append(clock.now())
    assert seen == sorted(seen)


@given(st.lists(st.tuples(st.integers(0, 20 * MINUTE), st.integers(-DAY, DAY)), max_size=30))
def test_the_clock_always_comes_back_to_the_wall_clock(moves: list[tuple[int, int]]) -> None:
    hardware = Hardware()
    clock = hardware.clock()
    for milliseconds, jump in moves:
        hardware.advance(milliseconds, jump)
        clock.now()
    for _ in range(2):
        hardware.advance(10 * MINUTE)
        clock.now()
    assert clock.now() == hardware.wall // 1_000_000


def test_the_systems_own_clocks_agree() -> None:
    clock = SystemClock()
    before = time.time_ns() // 1_000_000
    assert before - SECOND <= clock.now() <= time.time_ns() // 1_000_000 + SECOND
    assert clock.steady() <= clock.steady()


# ---- stamps ----


@given(MOMENTS, st.integers(NOON - HOUR, NOON + HOUR))
def test_stamps_never_go_back_and_are_never_before_the_database(moments: list[int], newest: int) -> None:
    stamps = Stamps()
    stamps.raise_to(newest)
    given = [stamps.at(now) for now in moments]
    assert given == sorted(given)
    assert all(stamp >= max(newest, now) for stamp, now in zip(given, moments, strict=True))


def test_stamps_wait_for_a_clock_that_is_behind() -> None:
    stamps = Stamps()
    stamps.raise_to(NOON + 400 * DAY)
    assert [stamps.at(NOON + n * SECOND) - NOON - 400 * DAY for n in range(3)] == [1, 2, 3]
    assert stamps.at(NOON + 401 * DAY) == NOON + 401 * DAY
