"""Activity, as counts: by channel, by campaign and by rule."""

from typing import NamedTuple

import msgspec


class Happening(NamedTuple):
    """One kind of committed change, as far as it is counted apart: `what` is a field of `Activity`. `rule_set` is the beginning of
    the content's SHA-256; `reason` tells what was ignored, failed or given up apart."""

    what: str
    channel: str
    campaign_id: int | None = None
    rule_set: str = ""
    rule: str = ""
    reason: str = ""


class Activity(msgspec.Struct):
    """What a channel did within some time. `calls` were answered, of these `calls_refused` with a status from 400 and
    `calls_failed` from 500. The others are decisions: `kept_apart` were refused by the conflict policy without a question,
    `reviews` raised one, beside another decision or instead of one. `last_call` is in ms UTC, 0 for none."""

    calls: int = 0
    calls_refused: int = 0
    calls_failed: int = 0
    created: int = 0
    attached: int = 0
    merged: int = 0
    split: int = 0
    reviews: int = 0
    kept_apart: int = 0
    accepted: int = 0
    duplicates: int = 0
    granted: int = 0
    ignored: int = 0
    failed: int = 0
    delivered: int = 0
    dead: int = 0
    last_call: int = 0
