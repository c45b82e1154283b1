"""`gateway demo --serve`: fills a database with an invented shop, and serves it until Ctrl-C."""

import asyncio
import contextlib
import signal
from pathlib import Path

import uvloop

from gateway.cli.failure import DONE, REFUSED
from gateway.cli.output import note, say
from gateway.cli.progress import progress_bar
from gateway.demo.shop import Shop, ShopRun

_SEED = 1
_FINDS = "open questions, a rule that joined too eagerly for an hour, a silent till, refused events"


def serve_shop(directory: Path, people: int) -> int:
    """The exit code."""
    return uvloop.run(_serve(directory, people))


async def _serve(directory: Path, people: int) -> int:
    task, deaths = asyncio.current_task(), list[str]()
    assert task is not None  # noqa: S101 - this runs in one

    def end(worker: str) -> None:
        deaths.append(worker)
        task.cancel()

    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, task.cancel)
    opening = ShopRun(directory, people, _SEED, end)
    with contextlib.suppress(asyncio.CancelledError), progress_bar() as bar:
        calls = bar.add_task("90 days of calls", total=len(opening.visits))
        async with opening.open(lambda: bar.advance(calls)) as shop:
            bar.stop()
            _announce(shop)
            await asyncio.Event().wait()
    for worker in deaths:
        note(f"the worker {worker} ended by itself; run the demo again")
    return REFUSED if deaths else DONE


def _announce(shop: Shop) -> None:
    say(f"console  {shop.admin_url}/console/")
    for operator in shop.operators:
        say(f"token    {operator.token}  {operator.name}, {operator.role}")
    say(f"config   {shop.config}")
    say(f"Log in with one of the tokens. You will find {_FINDS}.", flush=True)
    note("Ctrl-C ends the demo and removes its database.")
