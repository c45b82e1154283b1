"""Calls in any order, and at once, end in the same groups."""

import asyncio
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.model import (
    SaveCustomer,
)
from tests.support.in_process_gateway import (
    InProcessGateway,
    environment,
)
from tests.support.invariant_rules import RULES, calls

# ---- the order of calls ----

sequences = st.lists(calls, max_size=10)


async def ending(directory: Path, version: str, sent: Sequence[SaveCustomer], *, at_once: bool) -> list[Any]:
    """Who is with whom, whose the keys are, and what is asked, without the ids that depend on the order."""
    async with InProcessGateway(directory, environment(rules=RULES[version])) as core:
        if at_once:
            await asyncio.gather(*map(core.send, sent))
        for command in () if at_once else sent:
            await core.send(command)
        rows = await core.rows("SELECT profile_id, id_space || ':' || customer_id FROM record ORDER BY 2")
        found: dict[int, list[str]] = {}
        for profile_id, place in rows:
            found.setdefault(profile_id, []).append(place)
        keys = await core.rows("SELECT type, value, state, owner_id FROM identifier_owner ORDER BY 1, 2")
        asked = await core.rows("SELECT profile_a, profile_b FROM review WHERE state = 'open'")
        return [
            sorted(found.values()),
            [(*key, found.get(owner)) for *key, owner in keys],
            sorted(sorted(found[one] for one in pair) for pair in asked),
        ]


@settings(max_examples=15, deadline=None)
@given(sequences, st.randoms(use_true_random=False))
def test_i7_where_nothing_binds_the_order_of_calls_decides_nothing(
    sent: list[SaveCustomer], random: Any
) -> None:
    endings: list[list[Any]] = []
    for order in (sent, random.sample(sent, len(sent))):
        with tempfile.TemporaryDirectory() as directory:
            endings.append(asyncio.run(ending(Path(directory), "free", order, at_once=False)))
    assert endings[0] == endings[1]


@settings(max_examples=15, deadline=None)
@given(sequences, st.sampled_from(sorted(RULES)))
def test_i14_calls_at_once_end_as_if_one_by_one(sent: list[SaveCustomer], version: str) -> None:
    endings: list[list[Any]] = []
    for at_once in (True, False):
        with tempfile.TemporaryDirectory() as directory:
            endings.append(asyncio.run(ending(Path(directory), version, sent, at_once=at_once)))
    assert endings[0] == endings[1]
