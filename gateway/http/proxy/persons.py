"""From the customers that a request names to the ids under which the upstream knows them. A customer of whom nothing new is
said costs one read; all others go through the pipeline, as in every call."""

import asyncio
from collections.abc import Sequence
from typing import NamedTuple

from gateway.errors import StoreUnavailable
from gateway.http.gameball.call import Call
from gateway.http.gameball.envelope import CUSTOMER_UNKNOWN, Fault
from gateway.http.proxy.body import Subject
from gateway.http.proxy.memory import Memory, Question
from gateway.http.services import Services
from gateway.model import Identified, Identify, UnknownCustomer
from gateway.store.identities import holder_of, known
from gateway.usecases.canonical import stranger_ids

_AT_ONCE = 64
_UNRESOLVED = ("identity:unresolved",)


class Person(NamedTuple):
    """One customer of a request: as the channel calls it and as the upstream does. No `profile_id`: nobody that is known."""

    customer_id: str
    canonical_id: str
    profile_id: int | None = None
    decision: str = ""
    warnings: tuple[str, ...] = ()


class Persons:
    """`lifetime` (ms) is how long a customer of whom nothing changed here is taken for the same without looking."""

    def __init__(self, services: Services, lifetime: int) -> None:
        self._services = services
        self._memory = Memory(services.clock, lifetime)
        services.pipeline.watch(self._memory.forget)

    async def find_all(
        self, call: Call, subjects: Sequence[Subject], *, creates: bool
    ) -> list[Person] | Fault:
        """One person for each subject. Several go through the pipeline together, so they share its batches; in their order,
        for one may say who another is, and without a look before it that would disturb the order."""
        if len(subjects) == 1:
            person = await self._find(call, subjects[0], creates=creates, alone=True)
            return person if isinstance(person, Fault) else [person]
        people: list[Person] = []
        for start in range(0, len(subjects), _AT_ONCE):
            some = subjects[start : start + _AT_ONCE]
            for person in await asyncio.gather(*(self._find(call, one, creates=creates) for one in some)):
                if isinstance(person, Fault):
                    return person
                people.append(person)
        return people

    async def _find(
        self, call: Call, subject: Subject, *, creates: bool, alone: bool = False
    ) -> Person | Fault:
        if not subject.customer_id:
            return Person("", "", warnings=subject.warnings)
        try:
            found = await self._identified(call, subject, creates=creates, alone=alone)
            if found is None:
                return await self._stranger(call, subject)
        except StoreUnavailable:
            if not self._passes_unresolved(call):
                raise
            return Person(subject.customer_id, subject.customer_id, warnings=subject.warnings + _UNRESOLVED)
        resolution = found.resolution
        warnings = subject.warnings + resolution.warnings
        return Person(
            subject.customer_id, found.canonical_id, resolution.profile_id, resolution.decision, warnings
        )

    async def _identified(
        self, call: Call, subject: Subject, *, creates: bool, alone: bool
    ) -> Identified | None:
        question = Question(call.channel.id_space, subject.customer_id, subject.evidence, subject.guest)
        services, rules = self._services, self._services.env.rules
        found = self._memory.recall(question, rules)
        if found is not None:
            return found
        says_something = creates or bool(subject.evidence) or subject.guest is not None
        if alone or not says_something:
            stamp = self._memory.stamp(question, rules)
            found = await known(services.store, rules, *question[:3], stamp.at, subject.guest)
            if found is not None:
                self._memory.keep(question, stamp, found)
                return found
        if not says_something:
            return None
        command = Identify(call.caller, subject.customer_id, subject.evidence, creates, subject.guest)
        outcome: Identified | UnknownCustomer = await services.pipeline.submit(command)
        return outcome if isinstance(outcome, Identified) else None

    async def _stranger(self, call: Call, subject: Subject) -> Person | Fault:
        """Who is unknown here is perhaps known to the upstream, under the id that a profile made of it would get; but under
        nobody else's."""
        if subject.otherwise:
            return Person(subject.customer_id, subject.otherwise, warnings=subject.warnings)
        for canonical_id in stranger_ids(call.channel.id_space, subject.customer_id, self._services.env):
            if await holder_of(self._services.store, canonical_id) is None:
                return Person(subject.customer_id, canonical_id, warnings=subject.warnings)
        return CUSTOMER_UNKNOWN

    def _passes_unresolved(self, call: Call) -> bool:
        policy = self._services.config.upstream.on_store_failure
        return (policy.reads if call.request.method in {"GET", "HEAD"} else policy.writes) == "pass"
