"""Clients under load, with a history of their requests and answers."""

import asyncio
import contextlib
import itertools
import time
from collections.abc import AsyncGenerator, Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from tests.support.processes.client import Answer, HttpConnection, achieve_request, customer_request
from tests.support.processes.gateway_process import Process

CUSTOMERS = tuple(f"customer-{number}" for number in range(200))
CLIENTS = 16

Verdict = Literal["accepted", "duplicate", "unavailable", "unknown", "unexpected"]
Pair = tuple[str, int]


@dataclass(slots=True)
class Attempt:
    """One sending of one request. `answer` None: it was sent and never answered."""

    customer_id: str
    campaign_id: int
    key: str = ""
    answer: Answer | None = None
    sent_at: float = 0.0
    answered_at: float = 0.0

    @property
    def pair(self) -> Pair:
        return self.customer_id, self.campaign_id

    @property
    def verdict(self) -> Verdict:
        if self.answer is None:
            return "unknown"
        match self.answer.status, self.answer.code:
            case 202, _:
                return "accepted"
            case 400, 4000:
                return "duplicate"
            case 503, 5003:
                return "unavailable"
            case _:
                return "unexpected"

    def again(self) -> "Attempt":
        return Attempt(self.customer_id, self.campaign_id, self.key)


History = list[Attempt]


def pairs() -> Iterator[Attempt]:
    """Every customer with every campaign, each pair once, every second one under an idempotency key."""
    for campaign_id in itertools.count(1):
        for number, customer_id in enumerate(CUSTOMERS):
            key = f"key-{customer_id}-{campaign_id}" if (number + campaign_id) % 2 else ""
            yield Attempt(customer_id, campaign_id, key)


async def introduce_customers(process: Process) -> None:
    waiting = iter(CUSTOMERS)

    async def work() -> None:
        async with HttpConnection(process.port) as connection:
            for customer_id in waiting:
                answer = await connection.call(customer_request(customer_id))
                assert answer is not None
                assert answer.status == 200, answer

    await asyncio.gather(*(work() for _ in range(CLIENTS)))


@contextlib.asynccontextmanager
async def load(
    process: Process, attempts: Iterable[Attempt], clients: int = CLIENTS, patience: float = 30.0
) -> AsyncGenerator[History]:
    """Clients that send the attempts, each when it has the answer to its last one, until the block is left or the
    listener is gone; the history grows meanwhile, and is complete after the block."""
    history: History = []
    stopping = asyncio.Event()
    waiting = itertools.takewhile(lambda _: not stopping.is_set(), attempts)
    async with asyncio.TaskGroup() as group:
        for _ in range(clients):
            group.create_task(_work(HttpConnection(process.port, patience), waiting, history))
        yield history
        stopping.set()


async def send_all(process: Process, attempts: Iterable[Attempt], clients: int = CLIENTS) -> History:
    """Send every attempt, and wait for every answer."""
    history: History = []
    waiting = iter(attempts)
    await asyncio.gather(*(_work(HttpConnection(process.port), waiting, history) for _ in range(clients)))
    return history


async def _work(connection: HttpConnection, waiting: Iterator[Attempt], history: History) -> None:
    async with connection:
        for attempt in waiting:
            try:
                await connection.open()
            except OSError:
                return
            history.append(attempt)
            await perform(connection, attempt)


async def perform(connection: HttpConnection, attempt: Attempt) -> None:
    attempt.sent_at = time.monotonic()
    attempt.answer = await connection.call(
        achieve_request(attempt.customer_id, attempt.campaign_id, attempt.key)
    )
    attempt.answered_at = time.monotonic()


async def until(condition: Callable[[], bool], seconds: float = 30.0) -> None:
    """Come back when the condition holds. Raises TimeoutError when it does not within `seconds`."""
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110 - it holds in another process
            await asyncio.sleep(0.01)


def told(history: History, verdict: Verdict) -> int:
    """How many attempts ended so, until now."""
    return sum(attempt.sent_at > 0 and attempt.verdict == verdict for attempt in history)


def unanswered(history: History) -> History:
    return [attempt for attempt in history if attempt.answer is None]
