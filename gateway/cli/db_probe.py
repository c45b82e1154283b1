"""`gateway db probe`: shows whether an engine that speaks PostgreSQL's protocol keeps what the gateway relies on."""

import asyncio
import os
from typing import Annotated

import typer

from gateway.cli.failure import MISUSED, Failure
from gateway.cli.options import AsJson
from gateway.cli.output import print_json, print_rows, say
from gateway.clock import SystemClock
from gateway.config.urls import store_url, store_url_text
from gateway.errors import DriverMissing
from gateway.plural import counted


def probe(
    url: Annotated[
        list[str],
        typer.Option(
            help="postgresql://user@host/db; repeat it, or name several hosts, to race through several nodes. The"
            " password belongs in PGPASSWORD or ~/.pgpass, not on the command line."
        ),
    ],
    rounds: Annotated[int, typer.Option(min=1, max=100_000, help="How often each race is run.")] = 50,
    json: AsJson = False,
) -> None:
    """Race gateways on a database engine, in a scratch schema that is dropped afterwards; exit 1 if a race ended wrongly."""
    for one in url:
        _check(one)
    try:
        from gateway.cli.progress import progress_bar
        from gateway.probe import TRIALS, Unusable
        from gateway.probe import probe as run
        from gateway.store.postgres.hosts import hosts_of
        from gateway.telemetry.telemetry import Telemetry
    except ImportError:
        raise DriverMissing from None
    Telemetry(level="error", path=os.devnull, log_requests=False)
    nodes = [node for one in url for node in hosts_of(one)]
    with progress_bar() as bar:
        task = bar.add_task("", total=rounds * len(TRIALS))
        try:
            found = asyncio.run(
                run(
                    nodes,
                    SystemClock(),
                    rounds,
                    lambda race, done: bar.update(task, advance=done, description=race),
                )
            )
        except Unusable as error:
            raise Failure(f"the database cannot be tried: {error}") from None
    if json:
        print_json({"sound": found.is_sound, "repeats": found.repeats, "races": found.held})
    else:
        print_rows(
            [{"race": one.race, "rounds": one.rounds, "violations": one.violations} for one in found.held],
            {"race": "race", "rounds": "rounds", "violations": "violations"},
        )
    if not found.is_sound:
        raise Failure(
            f"{store_url_text(url[0])}: transactions are not serializable here; do not run more than one gateway on it"
        )
    if not json:
        say(f"every race ended as it must, through {counted(len(nodes), 'node')}")


def _check(url: str) -> None:
    """Raises Failure."""
    try:
        if store_url(url).startswith("postgres"):
            return
    except ValueError:
        pass
    raise Failure("--url: is not a PostgreSQL database; write postgresql://user@host/db", MISUSED)
