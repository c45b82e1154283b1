"""Where an id led at a moment, and with which records, is rebuilt from the log as it was seen then (I12)."""

import asyncio
import tempfile
from pathlib import Path
from typing import Any

from hypothesis import given, settings

from gateway.store.queries import record_history
from tests.support.in_process_gateway import InProcessGateway, customer
from tests.support.properties import ANY_HEALTH
from tests.usecases.test_merge_sequences import World, steps

Seen = dict[int, tuple[int, list[int]]]
"""By profile id, the live profile that it leads to, with its records."""


async def seen(core: InProcessGateway) -> Seen:
    homes: dict[int, list[int]] = {}
    for record_id, home in await core.rows("SELECT record_id, profile_id FROM record ORDER BY record_id"):
        homes.setdefault(home, []).append(record_id)
    return {
        profile_id: (target or profile_id, homes[target or profile_id])
        for profile_id, target in await core.rows("SELECT profile_id, redirect_to FROM profile")
    }


@settings(max_examples=25, deadline=None, suppress_health_check=ANY_HEALTH)
@given(steps)
def test_every_id_leads_at_every_moment_where_it_led_then(sequence: list[tuple[Any, ...]]) -> None:
    async def play() -> None:
        with tempfile.TemporaryDirectory() as directory:
            async with InProcessGateway(Path(directory)) as core:
                world, moments = World(core), dict[int, Seen]()
                await core.send(customer("web:1", email="a@x.eg"))
                for step in sequence:
                    await world.take(step)
                    moments[core.clock.now()] = await seen(core)
                for at, then in moments.items():
                    for profile_id, where in then.items():
                        assert await record_history.at_moment(core.store, profile_id, at) == where

    asyncio.run(play())
