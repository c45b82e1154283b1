"""Calendar periods: the day, week (from Monday) or month around an instant, in a time zone, whatever its
clocks do. A period begins at the first instant whose local date lies in it, so it holds where midnight is
skipped or happens twice."""

from bisect import bisect_left
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from typing import assert_never
from zoneinfo import ZoneInfo

from gateway.config import Period


def period_start(now: int, per: Period, time_zone: str) -> int:
    """The first instant (ms UTC) of the period that `now` (ms UTC) lies in; never later than `now`."""
    return _start(datetime.fromtimestamp(now // 1_000, ZoneInfo(time_zone)).date(), per, time_zone)


@lru_cache(maxsize=1_024)
def _start(day: date, per: Period, time_zone: str) -> int:
    return _first_second(_first_day(day, per), ZoneInfo(time_zone)) * 1_000


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
