"""A process that is paused and resumed, and one that is stopped with work to do: nothing is lost, doubled or early, even for
clients that gave up in the meantime."""

import asyncio
import time
from pathlib import Path

from tests.support.processes.client import HttpConnection, achieve_request, request
from tests.support.processes.evidence import all_decided, findings, rows, stored_pairs, undecided
from tests.support.processes.gateway_process import Launch
from tests.support.processes.load import introduce_customers, load, pairs, send_all, told, unanswered, until

_FROZEN_SECONDS = 3.0
_PATIENCE = 0.5
_SOME = 200
_BACKLOG = 2_000
_SECONDS_TO_STOP = 30.0


async def test_a_pause_of_the_whole_process_doubles_and_loses_nothing(prepare: Launch) -> None:
    process = prepare().start()
    await introduce_customers(process)
    async with load(process, pairs(), patience=_PATIENCE) as history:
        await until(lambda: told(history, "accepted") > _SOME)
        process.freeze()
        await asyncio.sleep(_FROZEN_SECONDS)
        process.thaw()
        accepted = told(history, "accepted")
        await until(lambda: told(history, "accepted") > accepted + _SOME)
    given_up = unanswered(history)
    assert given_up
    history += await send_all(process, [attempt.again() for attempt in given_up])
    await all_decided(process)
    assert process.stop() == 0
    assert findings(process, history) == []


async def test_a_stop_under_load_answers_what_it_took_and_its_backlog_is_decided_after_the_next_start(
    prepare: Launch,
) -> None:
    process = prepare({"achievements": {"grant_delay": ["3s", "4s"]}}).start()
    await introduce_customers(process)
    async with load(process, pairs()) as history:
        await until(lambda: told(history, "accepted") > _BACKLOG)
        process.terminate()
        assert await asyncio.to_thread(process.wait, _SECONDS_TO_STOP) == 0
    stored = stored_pairs(process.database)
    assert [attempt.pair for attempt in unanswered(history) if stored[attempt.pair]] == []
    assert undecided(process.database) > 0
    await asyncio.sleep(_seconds_until_all_are_due(process.database))
    process.start()
    await all_decided(process)
    assert process.stop() == 0
    assert findings(process, history) == []


async def test_a_stop_waits_for_stalled_clients_no_longer_than_it_may(prepare: Launch) -> None:
    process = prepare({"server": {"shutdown_grace": "1s"}}).start()
    stalled = [await asyncio.open_connection("127.0.0.1", process.port) for _ in range(3)]
    for sent, (_, writer) in zip((0, 60, -1), stalled, strict=True):
        writer.write(achieve_request("customer-1", 1)[:sent])
    async with HttpConnection(process.port) as idle:
        assert await idle.call(request("GET", "/healthz", keys=False)) is not None
        process.terminate()
        assert await asyncio.to_thread(process.wait, _SECONDS_TO_STOP / 2) == 0
    for _, writer in stalled:
        writer.close()


def _seconds_until_all_are_due(database: Path) -> float:
    newest = rows(database, "SELECT max(due_at) FROM achievement")[0][0]
    return max(0.0, newest / 1000 - time.time())
