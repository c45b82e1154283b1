"""From the customers of a request to the ids under which the upstream knows them. If a call says nothing new about a customer, that
costs one read; all others go through the pipeline, as in every call."""

import asyncio
import contextlib
from collections.abc import Sequence
from typing import NamedTuple

from gateway.errors import StoreUnavailable
from gateway.http.gameball.call import Call
from gateway.http.gameball.envelope import CUSTOMER_UNKNOWN, Fault
from gateway.http.gameball.identifiers import customer_id_warning
from gateway.http.proxy.body import Subject
from gateway.http.proxy.lookup_cache import LookupCache
from gateway.http.services import Services
from gateway.model import Identified, Identify
from gateway.store.identities import Lookup, holder_of, known, names_in, owner_of
from gateway.usecases.canonical import stranger_ids
from rules.normalize.customer_id import CustomerId

_AT_ONCE = 64
_UNRESOLVED = ("identity:unresolved",)


class ResolvedCustomer(NamedTuple):
    """One customer of a request: the channel's id and the upstream's. `profile_id` is None for an unknown customer."""

    customer_id: str
    canonical_id: str
    profile_id: int | None = None
    decision: str = ""
    warnings: tuple[str, ...] = ()


class CustomerLookup:
    """`lifetime` (ms) is how long an answer is used again without a look-up, if nothing changed here."""

    def __init__(self, services: Services, lifetime: int) -> None:
        self._services = services
        self._cache = LookupCache(services.clock, lifetime)
        services.pipeline.watch(self._cache.invalidate)

    async def find_all(
        self, call: Call, subjects: Sequence[Subject], *, creates: bool
    ) -> list[ResolvedCustomer] | Fault:
        """One customer for each subject."""
        if len(subjects) == 1:
            customer = await self._find(
                call, subjects[0], await self._look(call, subjects[0]), creates=creates
            )
            return customer if isinstance(customer, Fault) else [customer]
        together = _by_id(subjects)
        customers = await self._find_many(call, together, creates=creates)
        if any(
            customer.decision == "merged" for customer in customers if isinstance(customer, ResolvedCustomer)
        ):
            customers = await self._find_many(
                call, together, creates=creates
            )  # an id may belong to another one by now
        found = dict(zip([subject.customer_id for subject in together], customers, strict=True))
        answers: list[ResolvedCustomer] = []
        for subject in subjects:
            customer = found[subject.customer_id]
            if isinstance(customer, Fault):
                return customer
            answers.append(customer)
        return answers

    async def _find_many(
        self, call: Call, subjects: Sequence[Subject], *, creates: bool
    ) -> list[ResolvedCustomer | Fault]:
        """Customers that need the pipeline go through it together, and in order, because one may say who another is."""
        customers: list[ResolvedCustomer | Fault] = []
        for start in range(0, len(subjects), _AT_ONCE):
            some = subjects[start : start + _AT_ONCE]
            known_ones = await asyncio.gather(*(self._look(call, one) for one in some))
            pairs = zip(some, known_ones, strict=True)
            customers += await asyncio.gather(*(self._find(call, *pair, creates=creates) for pair in pairs))
        return customers

    async def _look(self, call: Call, subject: Subject) -> Identified | None:
        """The customer, if it is known and the call says nothing new about it."""
        customer_id, reason = self._named(call, subject)
        if not customer_id or reason or self._compared(call, subject):
            return None
        guest = subject.guest if call.trust == "state" else None
        lookup = Lookup(call.channel.id_space, customer_id, subject.evidence, guest, subject.claims)
        services, rules = self._services, self._services.env.rules
        found = self._cache.get(lookup, rules)
        if found is not None:
            return found
        stamp = self._cache.stamp(lookup, rules)
        with contextlib.suppress(StoreUnavailable):  # the next call that needs the store says what that means
            found = await known(services.store, services.env.policy, lookup, services.clock.now())
        if found is not None:
            self._cache.put(lookup, stamp, found)
        return found

    async def _find(
        self, call: Call, subject: Subject, found: Identified | None, *, creates: bool
    ) -> ResolvedCustomer | Fault:
        if not subject.customer_id:
            return ResolvedCustomer("", "", warnings=subject.warnings)
        named, creates = self._named(call, subject), creates and not subject.mentioned
        try:
            if named.reason:
                return await self._no_one(subject, named)
            if found is None and (creates or self._says_something(call, subject)):
                found = await self._learn(call, named.value, subject, creates=creates)
            if found is None:
                return await self._stranger(call, named.value, subject)
        except StoreUnavailable:
            if not self._passes_unresolved(call):
                raise
            return ResolvedCustomer(
                subject.customer_id, subject.customer_id, warnings=subject.warnings + _UNRESOLVED
            )
        resolution = found.resolution
        warnings = subject.warnings + resolution.warnings
        return ResolvedCustomer(
            subject.customer_id, found.canonical_id, resolution.profile_id, resolution.decision, warnings
        )

    def _says_something(self, call: Call, subject: Subject) -> bool:
        states = subject.evidence or subject.claims or self._compared(call, subject)
        return bool(states) or subject.guest is not None

    def _compared(self, call: Call, subject: Subject) -> dict[str, str]:
        """The attributes of the call that rules compare, if it may state them."""
        kinds = self._services.env.policy.kinds
        if not kinds or call.trust != "state":
            return {}
        return {name: subject.texts[name] for name in kinds if name in subject.texts}

    def _named(self, call: Call, subject: Subject) -> CustomerId:
        return self._services.env.normalizer.customer_id(subject.customer_id, call.channel.id_space)

    async def _no_one(self, subject: Subject, named: CustomerId) -> ResolvedCustomer | Fault:
        """Nothing is learnt, and the platform gets the id as it came, unless a customer who is known here has that id there."""
        warnings = (*subject.warnings, customer_id_warning(named.reason))
        for customer_id in {subject.customer_id, named.value}:
            if await holder_of(self._services.store, customer_id) is not None:
                return CUSTOMER_UNKNOWN._replace(warnings=warnings)
        return ResolvedCustomer(subject.customer_id, subject.customer_id, warnings=warnings)

    async def _learn(
        self, call: Call, customer_id: str, subject: Subject, *, creates: bool
    ) -> Identified | None:
        command = Identify(
            call.caller,
            customer_id,
            subject.evidence,
            creates,
            subject.guest,
            subject.claims,
            self._compared(call, subject),
        )
        outcome = await self._services.pipeline.submit(command)
        return outcome if isinstance(outcome, Identified) else None

    async def _stranger(self, call: Call, customer_id: str, subject: Subject) -> ResolvedCustomer | Fault:
        """The upstream may know a customer who is unknown here, under the id that a new profile of it would get, but never under
        another customer's. The owner of an address counts only for a call that may state it."""
        if subject.otherwise and call.trust == "state":
            return await self._addressed(call, subject)
        space = call.channel.id_space
        verbatim = subject.otherwise or (customer_id if subject.verbatim else "")
        wanted = (verbatim,) if verbatim else stranger_ids(space, customer_id, self._services.env)
        for canonical_id in wanted:
            if await holder_of(self._services.store, canonical_id) is None:
                return ResolvedCustomer(subject.customer_id, canonical_id, warnings=subject.warnings)
        return CUSTOMER_UNKNOWN

    async def _addressed(self, call: Call, subject: Subject) -> ResolvedCustomer:
        """The owner of the e-mail or the mobile number that was sent as the id. The channel gets its own id of them, if it has
        one."""
        store = self._services.store
        for item in subject.address:
            found = await owner_of(store, item.identifier) if item.status == "ok" else None
            if found is not None:
                profile_id, canonical_id = found
                own = await names_in(store, call.channel.id_space, [canonical_id])
                name = own.get(canonical_id, subject.customer_id)
                return ResolvedCustomer(name, canonical_id, profile_id, "attached", subject.warnings)
        return ResolvedCustomer(subject.customer_id, subject.otherwise, warnings=subject.warnings)

    def _passes_unresolved(self, call: Call) -> bool:
        policy = self._services.config.upstream.on_store_failure
        return (policy.reads if call.request.method in {"GET", "HEAD"} else policy.writes) == "pass"


def _by_id(subjects: Sequence[Subject]) -> list[Subject]:
    """One subject for each customer id, with everything that is said about it."""
    found: dict[str, Subject] = {}
    for subject in subjects:
        fresh = Subject(
            subject.customer_id,
            address=subject.address,
            otherwise=subject.otherwise,
            verbatim=subject.verbatim,
            mentioned=subject.mentioned,
        )
        one = found.setdefault(subject.customer_id, fresh)
        one.texts |= subject.texts
        one.evidence += tuple(item for item in subject.evidence if item not in one.evidence)
        one.claims += tuple(item for item in subject.claims if item not in one.claims)
        one.warnings += tuple(text for text in subject.warnings if text not in one.warnings)
        if subject.guest is not None:
            one.guest = subject.guest
    return list(found.values())
