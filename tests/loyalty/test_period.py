"""Calendar periods in time zones whose clocks jump."""

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.config import Period
from gateway.loyalty import period_start

ZONES = (
    "UTC",
    "Africa/Cairo",  # skips midnight
    "America/Sao_Paulo",  # skipped midnight until 2018, had 23:00 twice
    "America/Havana",  # had midnight twice
    "America/St_Johns",  # until 2011 went back from 00:01 to 23:01 of the day before
    "America/Toronto",  # in 1919 skipped from 23:30 to 00:30
    "Asia/Beirut",
    "Australia/Lord_Howe",  # half an hour of summer time
    "Asia/Kathmandu",
    "America/Nuuk",
    "Pacific/Apia",  # had no 30 December 2011
    "Pacific/Kiritimati",
)
instants = st.one_of(
    st.integers(-1_609_459_200_000, 4_102_444_800_000),
    st.integers(1_199_145_600_000, 1_420_070_400_000),
)
periods = st.sampled_from(("day", "week", "month"))
zones = st.sampled_from(ZONES)


def local_date(at: int, zone: str) -> date:
    return datetime.fromtimestamp(at // 1_000, ZoneInfo(zone)).date()


def period_of(day: date, per: Period) -> tuple[int, ...]:
    return {"day": day.timetuple()[:3], "week": day.isocalendar()[:2], "month": (day.year, day.month)}[per]


@given(instants, periods, zones)
def test_an_instant_lies_in_the_period_that_starts_before_it(now: int, per: Period, zone: str):
    start = period_start(now, per, zone)
    assert start <= now
    assert period_of(local_date(start, zone), per) == period_of(local_date(now, zone), per)


@given(instants, periods, zones)
def test_a_period_starts_at_its_first_instant(now: int, per: Period, zone: str):
    start = period_start(now, per, zone)
    assert period_start(start, per, zone) == start
    assert period_of(local_date(start - 1, zone), per) < period_of(local_date(now, zone), per)


@given(instants, zones)
def test_a_day_starts_no_earlier_than_its_week_and_its_month(now: int, zone: str):
    day = period_start(now, "day", zone)
    assert period_start(now, "week", zone) <= day
    assert period_start(now, "month", zone) <= day


@pytest.mark.parametrize(
    ("now", "per", "zone", "expected"),
    [
        ("2026-11-23T12:00:00Z", "day", "UTC", "2026-11-23T00:00:00Z"),
        ("2026-11-22T23:59:59Z", "week", "UTC", "2026-11-16T00:00:00Z"),
        ("2026-11-23T00:00:00Z", "week", "UTC", "2026-11-23T00:00:00Z"),
        ("2026-11-30T23:30:00Z", "month", "Asia/Kathmandu", "2026-11-30T18:15:00Z"),
        ("2026-03-29T12:00:00Z", "day", "Europe/Berlin", "2026-03-28T23:00:00Z"),
        ("2026-10-25T12:00:00Z", "day", "Europe/Berlin", "2026-10-24T22:00:00Z"),
        ("2026-04-24T12:00:00Z", "day", "Africa/Cairo", "2026-04-23T22:00:00Z"),
        ("2012-11-04T12:00:00Z", "day", "America/Havana", "2012-11-04T04:00:00Z"),
        ("2011-12-31T00:00:00Z", "day", "Pacific/Apia", "2011-12-30T10:00:00Z"),
        ("1919-03-31T12:00:00Z", "day", "America/Toronto", "1919-03-31T04:30:00Z"),
    ],
)
def test_periods_begin_where_the_local_calendar_says(now: str, per: Period, zone: str, expected: str):
    start = period_start(int(datetime.fromisoformat(now).timestamp()) * 1_000, per, zone)
    assert datetime.fromtimestamp(start // 1_000, UTC) == datetime.fromisoformat(expected)
