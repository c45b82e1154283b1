"""Tills that repeat every call: each creates customers and reports their achievements, and sends every call again, to the other
gateway and with the same idempotency key, until it gets a definite answer."""

import asyncio
import contextlib
import itertools
from collections import Counter, defaultdict
from collections.abc import AsyncGenerator, Iterator

from tests.support.processes.client import HttpConnection, customer_request
from tests.support.processes.evidence import all_decided, answers_of_one_key, findings, rows
from tests.support.processes.gateway_process import Process
from tests.support.processes.load import Attempt, History, perform

SENDERS = 64
_CAMPAIGNS = (range(1, 8), range(8, 15))
_PAUSE = 0.2
"""Seconds from an answer to the next call."""
_SETTLED = {"accepted", "duplicate", "unexpected"}

Lane = tuple[int, HttpConnection]
"""A gateway's place, and a connection to it."""


class Senders:
    """Two senders each report the same people under ids of their own, so that each mobile number joins two records. They report
    different campaigns: nothing is a duplicate."""

    def __init__(self, gateways: tuple[Process, Process]) -> None:
        self.history: History = []
        self.introduced: list[str] = []
        """Customers whose introduction was acknowledged."""
        self._gateways = gateways
        self._stopping = asyncio.Event()
        self._sent: tuple[list[float], list[float]] = ([], [])
        """When what each gateway accepted was sent."""
        self._people = [itertools.count() for _ in range(SENDERS)]

    @contextlib.asynccontextmanager
    async def sending(self) -> AsyncGenerator[None]:
        """Until the block is left, and every call that was begun is settled."""
        self._stopping.clear()
        async with asyncio.TaskGroup() as group:
            for number in range(SENDERS):
                group.create_task(self._work(number))
            yield
            self._stopping.set()

    async def _work(self, number: int) -> None:
        async with contextlib.AsyncExitStack() as stack:
            lanes = itertools.cycle(
                [
                    (place, await stack.enter_async_context(HttpConnection(self._gateways[place].port)))
                    for place in (number % 2, 1 - number % 2)
                ]
            )
            while not self._stopping.is_set():
                person = next(self._people[number])
                customer_id = f"till-{number}-{person}"
                await self._introduce(lanes, customer_id, f"+2010{10 + number // 2}{123_456 + person}")
                for campaign_id in _CAMPAIGNS[number % 2]:
                    await self._report(lanes, customer_id, campaign_id)

    async def _introduce(self, lanes: Iterator[Lane], customer_id: str, mobile: str) -> None:
        for _, lane in lanes:
            with contextlib.suppress(OSError):
                answer = await lane.call(customer_request(customer_id, mobile=mobile))
                if answer is not None and answer.status == 200:
                    self.introduced.append(customer_id)
                    return
                assert answer is None or answer.status == 503, answer
            await asyncio.sleep(_PAUSE)

    async def _report(self, lanes: Iterator[Lane], customer_id: str, campaign_id: int) -> None:
        attempt = Attempt(customer_id, campaign_id, f"key-{customer_id}-{campaign_id}")
        for place, lane in lanes:
            self.history.append(attempt)
            await perform(lane, attempt)
            if attempt.verdict == "accepted":
                self._sent[place].append(attempt.sent_at)
            await asyncio.sleep(_PAUSE)
            if attempt.verdict in _SETTLED:
                return
            attempt = attempt.again()

    # ---- what they can say afterwards ----

    def accepted_by_each(self, since: float) -> int:
        """Calls that were sent after that moment and accepted, at the gateway that accepted fewer."""
        return min(sum(moment > since for moment in moments) for moments in self._sent)

    def longest_silence(self, since: float, until: float) -> float:
        """Seconds between two acceptances, or between one and an end of the time looked at."""
        moments = sorted(
            attempt.answered_at
            for attempt in self.history
            if attempt.verdict == "accepted" and since < attempt.answered_at < until
        )
        return max(later - earlier for earlier, later in itertools.pairwise([since, *moments, until]))

    async def contradictions(self) -> list[str]:
        """Where the database does not hold what they were told; it does not matter which gateway is asked."""
        gateway = self._gateways[0]
        await all_decided(gateway)
        return [
            *findings(gateway, self.history),
            *(f"{key} had several answers" for key, bodies in self._answers().items() if len(bodies) > 1),
            *self._broken_introductions(gateway),
        ]

    def _answers(self) -> dict[str, set[bytes]]:
        return answers_of_one_key(self.history)

    def _broken_introductions(self, gateway: Process) -> Iterator[str]:
        stored = rows(gateway.place, "SELECT customer_id, profile_id FROM record")
        records = Counter(customer_id for customer_id, _ in stored)
        yield from (f"{one} was acknowledged and is lost" for one in self.introduced if not records[one])
        yield from (f"{one} is stored {count} times" for one, count in records.items() if count > 1)
        profiles: defaultdict[tuple[int, str], set[int]] = defaultdict(set)
        for customer_id, profile_id in stored:
            _, number, person = customer_id.split("-")
            profiles[int(number) // 2, person].add(profile_id)
        yield from (f"{twins} are {len(ids)} people" for twins, ids in profiles.items() if len(ids) > 1)
