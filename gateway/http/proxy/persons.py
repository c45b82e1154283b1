"""From the customers that a request names to the ids under which the upstream knows them. A customer of whom nothing new is
said costs one read; all others go through the pipeline, as in every call."""

import asyncio
from collections.abc import Sequence
from typing import NamedTuple

from gateway.errors import StoreUnavailable
from gateway.http.gameball.call import Call
from gateway.http.gameball.envelope import CUSTOMER_UNKNOWN, Fault
from gateway.http.proxy.body import Subject
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


async def find_all(call: Call, subjects: Sequence[Subject], *, creates: bool) -> list[Person] | Fault:
    """One person for each subject. Several go through the pipeline together, so they share its batches."""
    if len(subjects) == 1:
        person = await _find(call, subjects[0], creates=creates)
        return person if isinstance(person, Fault) else [person]
    people: list[Person] = []
    for start in range(0, len(subjects), _AT_ONCE):
        some = subjects[start : start + _AT_ONCE]
        for person in await asyncio.gather(*(_find(call, one, creates=creates) for one in some)):
            if isinstance(person, Fault):
                return person
            people.append(person)
    return people


async def _find(call: Call, subject: Subject, *, creates: bool) -> Person | Fault:
    if not subject.customer_id:
        return Person("", "", warnings=subject.warnings)
    try:
        return await _resolve(call, subject, creates=creates)
    except StoreUnavailable:
        if not _passes_unresolved(call):
            raise
        return Person(subject.customer_id, subject.customer_id, warnings=subject.warnings + _UNRESOLVED)


async def _resolve(call: Call, subject: Subject, *, creates: bool) -> Person | Fault:
    services, id_space = call.services, call.channel.id_space
    found = await known(
        services.store,
        services.env.rules,
        id_space,
        subject.customer_id,
        subject.evidence,
        services.clock.now(),
        subject.guest,
    )
    if found is None and (creates or subject.evidence or subject.guest is not None):
        command = Identify(call.caller, subject.customer_id, subject.evidence, creates, subject.guest)
        outcome: Identified | UnknownCustomer = await services.pipeline.submit(command)
        found = outcome if isinstance(outcome, Identified) else None
    if found is None:
        return await _stranger(call, subject)
    resolution = found.resolution
    return Person(
        subject.customer_id,
        found.canonical_id,
        resolution.profile_id,
        resolution.decision,
        subject.warnings + resolution.warnings,
    )


async def _stranger(call: Call, subject: Subject) -> Person | Fault:
    """Who is unknown here is perhaps known to the upstream, under the id that a profile made of it would get; but under
    nobody else's."""
    id_space, customer_id = call.channel.id_space, subject.customer_id
    if subject.otherwise:
        return Person(customer_id, subject.otherwise, warnings=subject.warnings)
    for canonical_id in stranger_ids(id_space, customer_id, call.services.env):
        if await holder_of(call.services.store, canonical_id) is None:
            return Person(customer_id, canonical_id, warnings=subject.warnings)
    return CUSTOMER_UNKNOWN


def _passes_unresolved(call: Call) -> bool:
    policy = call.services.config.upstream.on_store_failure
    return (policy.reads if call.request.method in {"GET", "HEAD"} else policy.writes) == "pass"
