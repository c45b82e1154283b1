"""Ids grow, and time never runs backwards."""

from dataclasses import dataclass
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from manual import NOON

from gateway import clock as clocks
from gateway.clock import HOUR, SECOND, SystemClock
from gateway.ids import Ids, api_number, read, show

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
def test_an_id_of_a_later_time_is_greater_whoever_drew_it(now: int, later: int) -> None:
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
def test_what_is_no_id_is_none(text: str) -> None:
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
    monotonic: int = 7

    def time_ns(self) -> int:
        return self.wall

    def monotonic_ns(self) -> int:
        return self.monotonic

    def advance(self, milliseconds: float, jump: int = 0) -> None:
        """Let time pass; `jump` (ms) is what somebody moves the wall clock by meanwhile."""
        self.monotonic += round(milliseconds * 1_000_000)
        self.wall += round(milliseconds * 1_000_000) + jump * 1_000_000


@pytest.fixture
def hardware(monkeypatch: pytest.MonkeyPatch) -> Hardware:
    hardware = Hardware()
    monkeypatch.setattr(clocks, "time", hardware)
    return hardware


def test_the_clock_follows_the_wall_clock(hardware: Hardware) -> None:
    clock = SystemClock()
    for jump in (0, HOUR, 0):
        hardware.advance(250, jump)
        assert clock.now() == hardware.wall // 1_000_000


def test_after_a_jump_backwards_time_goes_on_from_where_it_was(hardware: Hardware) -> None:
    clock = SystemClock()
    before = clock.now()
    hardware.advance(250, -2 * HOUR)
    assert clock.now() == before + 250
    hardware.advance(750)
    assert clock.now() == before + SECOND


def test_after_a_jump_backwards_time_keeps_its_pace_however_often_it_is_asked_for(hardware: Hardware) -> None:
    clock = SystemClock()
    before = clock.now()
    hardware.advance(0, -2 * HOUR)
    for _ in range(10_000):
        hardware.advance(1.9)
        clock.now()
    assert abs(clock.now() - before - 19 * SECOND) <= 1


def test_the_wall_clock_is_followed_again_once_it_caught_up(hardware: Hardware) -> None:
    clock = SystemClock()
    hardware.advance(SECOND, -HOUR)
    clock.now()
    hardware.advance(0, 2 * HOUR)
    assert clock.now() == hardware.wall // 1_000_000


def test_the_clock_does_not_fall_below_what_the_database_has_seen(hardware: Hardware) -> None:
    clock = SystemClock()
    floor = clock.now() + HOUR
    clock.raise_to(floor)
    clock.raise_to(floor - HOUR)
    assert clock.now() == floor
    hardware.advance(250)
    assert clock.now() == floor + 250


def test_the_clock_never_runs_backwards() -> None:
    @given(st.lists(st.tuples(st.floats(0, 5_000), st.integers(-HOUR, HOUR)), max_size=30))
    def holds(moves: list[tuple[float, int]]) -> None:
        with pytest.MonkeyPatch.context() as patch:
            hardware = Hardware()
            patch.setattr(clocks, "time", hardware)
            clock = SystemClock()
            seen = [clock.now()]
            for milliseconds, jump in moves:
                hardware.advance(milliseconds, jump)
                seen.append(clock.now())
            assert seen == sorted(seen)

    holds()
