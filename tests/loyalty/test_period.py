"""Calendar periods in time zones whose clocks jump."""

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.config import Period
from gateway.loyalty import period_around

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
def test_an_instant_lies_in_its_period(now: int, per: Period, zone: str):
    period = period_around(now, per, zone)
    assert now in period
    for at in (period.start, period.stop - 1):
        assert period_of(local_date(at, zone), per) == period_of(local_date(now, zone), per)


@given(instants, periods, zones)
def test_a_period_starts_at_its_first_instant(now: int, per: Period, zone: str):
    period = period_around(now, per, zone)
    assert period_around(period.start, per, zone) == period
    assert period_of(local_date(period.start - 1, zone), per) < period_of(local_date(now, zone), per)


@given(instants, periods, zones)
def test_a_period_ends_where_the_next_one_begins(now: int, per: Period, zone: str):
    period = period_around(now, per, zone)
    assert period_around(period.stop, per, zone).start == period.stop
    assert period_of(local_date(period.stop, zone), per) > period_of(local_date(now, zone), per)


@given(instants, zones)
def test_a_day_starts_no_earlier_than_its_week_and_its_month(now: int, zone: str):
    day = period_around(now, "day", zone).start
    assert period_around(now, "week", zone).start <= day
    assert period_around(now, "month", zone).start <= day


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
    start = period_around(int(datetime.fromisoformat(now).timestamp()) * 1_000, per, zone).start
    assert datetime.fromtimestamp(start // 1_000, UTC) == datetime.fromisoformat(expected)
