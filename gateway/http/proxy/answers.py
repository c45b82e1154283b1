"""What has to be done with an answer before it goes back: the channel's own ids put into it, an erasure carried out here too, a
job about orders remembered."""

from collections.abc import Mapping, Sequence
from functools import partial

from aiohttp import hdrs
from multidict import CIMultiDict

from gateway.errors import StoreUnavailable
from gateway.http.gameball.call import WARNINGS, Call, Target
from gateway.http.proxy import echo
from gateway.http.proxy.headers import forget_bytes
from gateway.http.proxy.jobs import OrderJobs
from gateway.http.proxy.persons import Person
from gateway.http.proxy.relay import Finish
from gateway.http.services import Services
from gateway.model import EraseCustomer
from gateway.store.identities import names_in

ERASING = frozenset({"DELETE /customers/{customerId}", "POST /customers/{customerId}/delete"})
_JOB_STATUS = frozenset({"GET /batches/{batchId}/status", "GET /batch/{jobId}"})
_UNMAPPED = "answer:unmapped"


class Answers:
    def __init__(self, services: Services) -> None:
        self._services = services
        self._order_jobs = OrderJobs()

    def finish(self, call: Call, target: Target, people: Sequence[Person]) -> Finish | None:
        """What is done with the whole answer; None where it passes as it comes."""
        if target.route in ERASING:
            return partial(self._erase, call, people[0])
        if OrderJobs.starts_one(target.route):
            return self._note_job
        if target.operation.named.answer:
            return partial(self._rename, call, target, people)
        return None

    async def _note_job(self, status: int, raw: bytes, headers: CIMultiDict[str]) -> bytes:
        self._order_jobs.note(raw)
        return raw

    async def _erase(
        self, call: Call, person: Person, status: int, raw: bytes, headers: CIMultiDict[str]
    ) -> bytes:
        """What the platform forgot, or no longer knew, is forgotten here. A 404 without a body is a missing route."""
        gone = 200 <= status < 300 or (status == 404 and bool(raw.strip()))
        if gone and person.profile_id is not None:
            await self._services.pipeline.submit(EraseCustomer(call.caller, profile_id=person.profile_id))
        return raw

    async def _rename(
        self,
        call: Call,
        target: Target,
        people: Sequence[Person],
        status: int,
        raw: bytes,
        headers: CIMultiDict[str],
    ) -> bytes:
        if not 200 <= status < 300:
            return raw
        places = target.operation.named.answer
        found = echo.ids_at(raw, places) if hdrs.CONTENT_ENCODING not in headers else None
        if found is None or not any(found.values()):
            return raw
        if target.route in _JOB_STATUS and self._order_jobs.is_one(target.parameters[0], raw):
            return raw
        try:
            names = await self._names(call, found, people)
        except StoreUnavailable:
            headers[WARNINGS] = _UNMAPPED
            return raw
        renamed = echo.renamed(raw, names)
        if renamed != raw:
            forget_bytes(headers)
        return renamed

    async def _names(
        self, call: Call, found: Mapping[str, set[str]], people: Sequence[Person]
    ) -> dict[str, dict[str, str]]:
        """At each place the channel's own id for each of the upstream's. At the root there is nobody but whom the call named."""
        names = {person.canonical_id: person.customer_id for person in people if person.customer_id}
        sole = next(iter(names.values())) if len(names) == 1 else None
        others = {
            one
            for place, ids in found.items()
            if "." in place or sole is None
            for one in ids
            if one not in names
        }
        if others:
            names |= await names_in(self._services.store, call.channel.id_space, sorted(others))
        return {
            place: {
                one: sole if sole is not None and "." not in place else names.get(one, one) for one in ids
            }
            for place, ids in found.items()
        }
