"""Counts of what happened, added to the stored ones."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping

import msgspec

from gateway.clock import DAY, HOUR, MINUTE
from gateway.model import Activity, Happening
from gateway.store.statement import Write

SPANS = (MINUTE, HOUR, DAY)
"""A channel has a row for each of them, so that a long time is read from few rows."""
RULE_SPANS = (HOUR, DAY)
FIELDS = Activity.__struct_fields__
_SUMS = FIELDS[:-1]
_ADDED = ", ".join(f"{name} = activity.{name} + excluded.{name}" for name in _SUMS)
_LATER = (
    "CASE WHEN excluded.last_call > activity.last_call THEN excluded.last_call ELSE activity.last_call END"
)
_ADD = f"""
INSERT INTO activity (span, at, channel, {", ".join(FIELDS)}) VALUES (?, ?, ?, {", ".join("?" * len(FIELDS))})
ON CONFLICT (span, at, channel) DO UPDATE SET {_ADDED}, last_call = {_LATER}
"""
_ADD_OF_CAMPAIGN = """
INSERT INTO campaign_activity (at, campaign_id, what, reason, number) VALUES (?, ?, ?, ?, ?)
ON CONFLICT (at, campaign_id, what, reason) DO UPDATE SET number = campaign_activity.number + excluded.number
"""
_ADD_OF_RULE = """
INSERT INTO rule_activity (span, at, rule_set, rule, what, number) VALUES (?, ?, ?, ?, ?, ?)
ON CONFLICT (span, at, rule_set, rule, what) DO UPDATE SET number = rule_activity.number + excluded.number
"""


_USED = """
INSERT INTO channel_key_use (key_id, used_at) VALUES (?, ?) ON CONFLICT (key_id) DO UPDATE SET used_at = excluded.used_at
"""


class Counts(msgspec.Struct):
    """`channels` are by minute (ms) and channel, `happened` by minute; `keys` are when each key pair was used last."""

    channels: dict[tuple[int, str], Activity] = msgspec.field(default_factory=dict[tuple[int, str], Activity])
    happened: dict[tuple[int, Happening], int] = msgspec.field(
        default_factory=dict[tuple[int, Happening], int]
    )

    keys: dict[str, int] = msgspec.field(default_factory=dict[str, int])

    def __bool__(self) -> bool:
        return bool(self.channels or self.happened or self.keys)


def additions(counts: Counts) -> Iterator[Write]:
    """The rows of each statement in the order of their keys, so that two gateways do not wait for each other."""
    yield Write(_ADD, sorted(_of_channels(_with_happenings(counts))))
    yield Write(_ADD_OF_CAMPAIGN, _sums(_of_campaigns(counts.happened)))
    yield Write(_ADD_OF_RULE, _sums(_of_rules(counts.happened)))
    yield Write(_USED, sorted(counts.keys.items()))


def _with_happenings(counts: Counts) -> dict[tuple[int, str], list[int]]:
    places = {name: place for place, name in enumerate(FIELDS)}
    found = {key: list(msgspec.structs.astuple(one)) for key, one in counts.channels.items()}
    for (minute, one), number in counts.happened.items():
        row = found.setdefault((minute, one.channel), [0] * len(FIELDS))
        row[places[one.what]] += number
    return found


def _of_channels(found: Mapping[tuple[int, str], list[int]]) -> Iterator[tuple[int | str, ...]]:
    for span in SPANS:
        rows: dict[tuple[int, str], list[int]] = {}
        for (minute, channel), numbers in found.items():
            row = rows.setdefault((minute - minute % span, channel), [0] * len(FIELDS))
            last = max(row[-1], numbers[-1])
            row[:] = [one + more for one, more in zip(row, numbers, strict=True)]
            row[-1] = last
        for (at, channel), numbers in rows.items():
            yield span, at, channel, *numbers


def _of_campaigns(
    happened: Mapping[tuple[int, Happening], int],
) -> Iterator[tuple[tuple[int | str, ...], int]]:
    for (minute, one), number in happened.items():
        if one.campaign_id is not None:
            yield (minute - minute % DAY, one.campaign_id, one.what, one.reason), number


def _of_rules(happened: Mapping[tuple[int, Happening], int]) -> Iterator[tuple[tuple[int | str, ...], int]]:
    for (minute, one), number in happened.items():
        if one.rule:
            for span in RULE_SPANS:
                yield (span, minute - minute % span, one.rule_set, one.rule, one.what), number


def _sums(rows: Iterable[tuple[tuple[int | str, ...], int]]) -> list[tuple[int | str, ...]]:
    found = defaultdict[tuple[int | str, ...], int](int)
    for key, number in rows:
        found[key] += number
    return [(*key, number) for key, number in sorted(found.items())]
