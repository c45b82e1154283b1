"""Calendar periods: the day, week (from Monday) or month around an instant, in a time zone, whatever its
clocks do. A period begins at the first instant whose local date lies in it, so it holds where midnight is
skipped or happens twice."""

from bisect import bisect_left
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from typing import assert_never
from zoneinfo import ZoneInfo

from gateway.config import Period


def period_around(at: int, per: Period, time_zone: str) -> range:
    """All instants (ms UTC) of the period that `at` (ms UTC) lies in."""
    first = _first_day(datetime.fromtimestamp(at // 1_000, ZoneInfo(time_zone)).date(), per)
    return range(_start(first, time_zone), _start(_next_first_day(first, per), time_zone))


@lru_cache(maxsize=1_024)
def _start(day: date, time_zone: str) -> int:
    return _first_second(day, ZoneInfo(time_zone)) * 1_000


def _first_day(day: date, per: Period) -> date:
    match per:
        case "day":
            return day
        case "week":
            return day - timedelta(days=day.weekday())
        case "month":
            return day.replace(day=1)
        case _:
            assert_never(per)


def _next_first_day(first: date, per: Period) -> date:
    """Of the period after the one that begins on `first`. 31 days on lie in the month after, whatever its length."""
    return _first_day(first + timedelta(days={"day": 1, "week": 7, "month": 31}[per]), per)


def _first_second(day: date, zone: ZoneInfo) -> int:
    """Unix time. `fold` picks the offset before (0) or after (1) a change of the clocks around midnight: both
    give the same second on a plain night, 0 the first midnight of two, and around a skipped midnight they
    enclose the change."""
    midnight = datetime.combine(day, time.min)
    before, after = (int(midnight.replace(tzinfo=zone, fold=fold).timestamp()) for fold in (0, 1))
    skipped = range(after, before)  # empty unless midnight is skipped
    return min(before, after) + bisect_left(skipped, midnight, key=lambda second: _local(second, zone))


def _local(second: int, zone: ZoneInfo) -> datetime:
    return datetime.fromtimestamp(second, zone).replace(tzinfo=None)
