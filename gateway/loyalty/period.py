"""Calendar periods: the day, week (from Monday) or month around an instant, in a time zone. A period begins at the first
instant with its local date, so it is also right where midnight is skipped or happens twice."""

from bisect import bisect_left
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from typing import assert_never
from zoneinfo import ZoneInfo

from gateway.config import Period


def period_around(at: int, per: Period, time_zone: str) -> range:
    """All instants (ms UTC) of the period that contains `at` (ms UTC)."""
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
    """The first day of the period after the one that begins on `first`. 31 days later is always in the next month."""
    return _first_day(first + timedelta(days={"day": 1, "week": 7, "month": 31}[per]), per)


def _first_second(day: date, zone: ZoneInfo) -> int:
    """Unix time. `fold` picks the offset before (0) or after (1) a clock change around midnight. On an ordinary night both give
    the same second. If midnight happens twice, 0 gives the first; if it is skipped, the two results enclose the change."""
    midnight = datetime.combine(day, time.min)
    before, after = (int(midnight.replace(tzinfo=zone, fold=fold).timestamp()) for fold in (0, 1))
    skipped = range(after, before)  # empty unless midnight is skipped
    return min(before, after) + bisect_left(skipped, midnight, key=lambda second: _local(second, zone))


def _local(second: int, zone: ZoneInfo) -> datetime:
    return datetime.fromtimestamp(second, zone).replace(tzinfo=None)
