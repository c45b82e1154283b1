"""What happened, by time: the counts behind the bars of a day. They are stored every 10 seconds and survive a restart."""

from typing import Annotated, Any

import msgspec
from msgspec import Meta

from gateway.clock import DAY, HOUR
from gateway.config.notation import duration, duration_text
from gateway.errors import Refusal
from gateway.http.admin.listing import Query, refuse_unknown
from gateway.http.admin.operation import Call, Operation
from gateway.http.admin.times import Time, When, read, shown, shown_or_none
from gateway.model import Activity
from gateway.store.queries.activity import activity, last_calls, span_of

_MOST_SPANS = 1_500
"""So many rows of a channel are read at most; a day has 1,440 minutes."""
_USUAL_SPANS = 60


class ActivityQuery(Query, kw_only=True):
    channel: Annotated[
        str, Meta(description="of this channel; without it, of all together", max_length=50)
    ] = ""
    since: When = ""
    until: When = ""
    step: Annotated[
        str, Meta(description="1m, 5m, 1h, 1d …: whole minutes, hours or days", max_length=20)
    ] = "1m"


class ActivityCounts(msgspec.Struct, kw_only=True):
    """`calls` were answered, `calls_refused` of them with a status from 400, `calls_failed` from 500. Identity: records that
    `created` or `attached` something, `merged` and `split` profiles, `reviews` that a person is asked, and what the rules
    `kept_apart` without a question. Achievements: `accepted`, refused as `duplicates`, then `granted`, `ignored` or `failed`;
    or `delivered` to the platform, or given up (`dead`). Imports and regroupings count too."""

    calls: int
    calls_refused: int
    calls_failed: int
    created: int
    attached: int
    merged: int
    split: int
    reviews: int
    kept_apart: int
    accepted: int
    duplicates: int
    granted: int
    ignored: int
    failed: int
    delivered: int
    dead: int
    last_call: Time | None


class ActivityBar(ActivityCounts, kw_only=True):
    """What happened in the step that begins at `at`."""

    at: Time


class ActivityView(msgspec.Struct):
    """`items` are the steps in which anything happened, oldest first; the others are empty. Each begins at a multiple of `step`
    (UTC)."""

    since: Time
    until: Time
    step: str
    items: list[ActivityBar]


async def show_activity(call: Call[ActivityQuery]) -> ActivityView:
    query, services = call.query, call.services
    span = span_of(step := step_of(query.step, "1m"))
    if not span:
        raise Refusal("bad_parameter", "step: is not whole minutes; write 1m, 5m, 1h or 1d")
    since, until = period(query.since, query.until, step, span, services.clock.now())
    if query.channel:
        known = {channel.name for channel in services.config.channels}
        if query.channel not in known:
            refuse_unknown("channel", query.channel, known | set(await last_calls(services.store)))
    found = await activity(services.store, query.channel or None, since, until, step)
    bars = [ActivityBar(at=shown(at), **counted(one)) for at, one in found]
    return ActivityView(shown(since), shown(until), duration_text(step), bars)


def counted(one: Activity) -> dict[str, Any]:
    """The fields of ActivityCounts."""
    return {**msgspec.structs.asdict(one), "last_call": shown_or_none(one.last_call or None)}


def step_of(text: str, example: str) -> int:
    try:
        step = duration(text)
    except ValueError:
        step = 0
    if step <= 0:
        raise Refusal("bad_parameter", f"step: is not a span of time; write for example {example}")
    return step


def period(
    since: str, until: str, step: int, span: int, now: int, most: int = _MOST_SPANS
) -> tuple[int, int]:
    """From the beginning of a step to the end of one, both in ms. Raises Refusal for more than `most` spans, which are too many to
    be read at once."""
    end = read("until", until, now)
    end = now + 1 if end is None else end
    end += -end % step
    begin = read("since", since, now)
    begin = max(0, end - _USUAL_SPANS * step) if begin is None else begin - begin % step
    if begin >= end:
        raise Refusal("bad_parameter", "since: is not before until; give an earlier time")
    if (end - begin) // span > most:
        coarser = next((one for one in (HOUR, DAY) if one > span), None)
        remedy = f"or a coarser step, such as {duration_text(coarser)}" if coarser else "or ask in parts"
        raise Refusal(
            "bad_parameter",
            f"since: is more than {most:,} times {duration_text(span)} before until; give a later time, {remedy}",
        )
    return begin, end


OPERATIONS = (
    Operation(
        method="GET",
        path="/activity",
        handler=show_activity,
        role="viewer",
        summary="What happened by time: calls, decisions about identity, achievements",
        query=ActivityQuery,
        answer=ActivityView,
    ),
)
