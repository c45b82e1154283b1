"""Activity from the stored counts: by time, by channel, by campaign, by rule. Read from the coarsest rows that suffice."""

from typing import NamedTuple

from gateway.clock import DAY
from gateway.model import Activity
from gateway.store import Store
from gateway.store.activity import FIELDS, RULE_SPANS, SPANS

_SUMMED = ", ".join(f"CAST(SUM({name}) AS BIGINT)" for name in FIELDS[:-1])
_ROW = f"{_SUMMED}, MAX(last_call)"


class HappeningCount(NamedTuple):
    """How often `what` happened, by rule or by reason, from `at` on (ms)."""

    at: int
    of: str
    what: str
    number: int


class Funnel(NamedTuple):
    """The results of a campaign's achievements: how often `what`, and why."""

    campaign_id: int
    what: str
    reason: str
    number: int


def span_of(step: int, spans: tuple[int, ...] = SPANS) -> int:
    """The coarsest span that divides the step; 0: there is none."""
    return max((span for span in spans if step % span == 0), default=0)


def rule_span_of(step: int) -> int:
    return span_of(step, RULE_SPANS)


async def activity(
    store: Store, channel: str | None, since: int, until: int, step: int
) -> list[tuple[int, Activity]]:
    """By the beginning of each step with any activity, oldest first. `channel` None: of all channels together."""
    condition, values = (" AND channel = ?", [channel]) if channel is not None else ("", [])
    rows = await store.fetch(
        f"SELECT at - at % ?, {_ROW} FROM activity WHERE span = ? AND at >= ? AND at < ?{condition}"
        " GROUP BY 1 ORDER BY 1",
        (step, span_of(step), since, until, *values),
    )
    return [(at, Activity(*numbers)) for at, *numbers in rows]


async def activity_of_channels(store: Store, since: int, until: int, span: int) -> dict[str, Activity]:
    """Of each channel with any activity."""
    rows = await store.fetch(
        f"SELECT channel, {_ROW} FROM activity WHERE span = ? AND at >= ? AND at < ? GROUP BY channel",
        (span, since, until),
    )
    return {channel: Activity(*numbers) for channel, *numbers in rows}


async def last_calls(store: Store) -> dict[str, int]:
    """When each channel was answered last (ms)."""
    rows = await store.fetch(
        "SELECT channel, MAX(last_call) FROM activity WHERE span = ? AND last_call > 0 GROUP BY channel",
        (DAY,),
    )
    return dict(rows)


async def funnels(store: Store, since: int, until: int) -> list[Funnel]:
    rows = await store.fetch(
        "SELECT campaign_id, what, reason, CAST(SUM(number) AS BIGINT) FROM campaign_activity"
        " WHERE at >= ? AND at < ? GROUP BY campaign_id, what, reason ORDER BY campaign_id, what, reason",
        (since, until),
    )
    return [Funnel(*row) for row in rows]


async def hits(store: Store, rule_set: str, since: int, until: int, step: int) -> list[HappeningCount]:
    """What each rule of a rule set did, by the beginning of each step, oldest first."""
    rows = await store.fetch(
        "SELECT at - at % ?, rule, what, CAST(SUM(number) AS BIGINT) FROM rule_activity"
        " WHERE span = ? AND at >= ? AND at < ? AND rule_set = ? GROUP BY 1, 2, 3 ORDER BY 1, 2, 3",
        (step, rule_span_of(step), since, until, rule_set),
    )
    return [HappeningCount(*row) for row in rows]
