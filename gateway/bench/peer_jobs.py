"""Jobs that procrastinate defers and runs, each a commit of its own and one row at the end: a question on stdin, the answer on
stdout."""

import asyncio
import sys
import time
from typing import Any

import msgspec

_CONNECTIONS = 10


class Deferring(msgspec.Struct, frozen=True):
    """`at_once` callers defer, and as many jobs run at a time."""

    url: str
    jobs: int
    at_once: int


class Deferred(msgspec.Struct, frozen=True):
    """`cpu` is this process's, in seconds, without the server's."""

    seconds: float
    cpu: float


async def _run(question: Deferring) -> Deferred:
    from procrastinate import App, PsycopgConnector  # pyright: ignore[reportMissingImports]

    app: Any = App(
        connector=PsycopgConnector(conninfo=question.url, min_size=_CONNECTIONS, max_size=_CONNECTIONS)
    )

    async def add(number: int) -> None:
        await app.connector.execute_query_async("INSERT INTO granted VALUES (%(number)s)", number=number)

    grant = app.task(name="grant", queue="grants")(add)
    async with app.open_async():
        await app.schema_manager.apply_schema_async()
        await app.connector.execute_query_async("CREATE TABLE granted (number INTEGER PRIMARY KEY)")
        began, used = time.perf_counter(), time.process_time()
        numbers = iter(range(question.jobs))

        async def defer() -> None:
            for number in numbers:
                await grant.defer_async(number=number)

        await asyncio.gather(*[defer() for _ in range(question.at_once)])
        await app.run_worker_async(
            wait=False, concurrency=question.at_once, install_signal_handlers=False, listen_notify=False
        )
        took = Deferred(time.perf_counter() - began, time.process_time() - used)
        [row] = await app.connector.execute_query_all_async("SELECT count(*) AS done FROM granted")
    if row["done"] != question.jobs:
        raise RuntimeError(f"{question.jobs:,} jobs left {row['done']:,} rows")
    return took


def main() -> None:
    question = msgspec.json.decode(sys.stdin.buffer.read(), type=Deferring)
    sys.stdout.buffer.write(msgspec.json.encode(asyncio.run(_run(question))))


if __name__ == "__main__":
    main()
