"""What happens to an answer before it goes back: it gets the channel's own ids, and a job about orders is remembered.

An answer that cannot be read, or that still holds an id of another channel, goes out with a warning, never silently.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence

from aiohttp import hdrs
from multidict import CIMultiDict

from gateway.errors import StoreUnavailable
from gateway.http.gameball.call import WARNINGS, Call, Target
from gateway.http.gameball.cors import vary
from gateway.http.gameball.texts import has_controls
from gateway.http.proxy import answer_ids
from gateway.http.proxy.answer_text import AnswerText, text_of
from gateway.http.proxy.headers import forget_bytes, ids_in, rename
from gateway.http.proxy.jobs import OrderJobs
from gateway.http.proxy.lookup import ResolvedCustomer
from gateway.http.proxy.relay import Received
from gateway.http.services import Services
from gateway.store.identities import are_taken, names_in

_JOB_STATUS = frozenset({"GET /batches/{batchId}/status", "GET /batch/{jobId}"})
_UNMAPPED = "answer:unmapped"
_PARTIAL = 206
_REFUSED = 400
_WHO_ASKS = "apikey"
_FOR_CACHES = frozenset({"cache-control", "expires", "last-modified"})
"""With one of these, a cache may keep an answer."""


class Answers:
    def __init__(self, services: Services) -> None:
        self._services = services
        self._largest = services.config.upstream.max_response
        self._order_jobs = OrderJobs(services.store, services.clock)

    @staticmethod
    def concerns(target: Target, customers: Sequence[ResolvedCustomer]) -> bool:
        """Whether the answer may be about customers. It is not if the api key alone opens the operation and the call names no
        customer, neither by an id nor otherwise; such an answer passes as it comes."""
        return bool(target.operation.secret or target.operation.named.answer or customers)

    async def rewrite(
        self, call: Call, target: Target, customers: Sequence[ResolvedCustomer], answer: Received
    ) -> Received:
        """The answer with the channel's own ids in it. A job about orders is noted. No cache may give the answer to another
        channel: there, the same address leads to another customer."""
        body = await self._rewritten(call, target, customers, *answer)
        if not _FOR_CACHES.isdisjoint(name.lower() for name in answer.headers):
            vary(answer.headers, _WHO_ASKS)
        return answer._replace(body=body)

    async def _rewritten(
        self,
        call: Call,
        target: Target,
        customers: Sequence[ResolvedCustomer],
        status: int,
        raw: bytes,
        headers: CIMultiDict[str],
    ) -> bytes:
        text = text_of(raw, headers, self._largest) if status != _PARTIAL else None
        if text is not None and OrderJobs.starts_one(target.route):
            await self._order_jobs.note(text.utf8)
        try:
            await self._rename_headers(call, customers, headers)
            if call.request.method == hdrs.METH_HEAD:
                _forget_length(headers, customers, target)
                return raw
            if not raw:
                return raw
            if text is None:
                headers[WARNINGS] = _UNMAPPED
                return raw
            return await self._renamed(call, target, customers, status, text, raw, headers)
        except StoreUnavailable:
            headers[WARNINGS] = _UNMAPPED
            return raw

    # ---- ids ----

    async def _renamed(
        self,
        call: Call,
        target: Target,
        customers: Sequence[ResolvedCustomer],
        status: int,
        text: AnswerText,
        raw: bytes,
        headers: CIMultiDict[str],
    ) -> bytes:
        if target.route in _JOB_STATUS and await self._order_jobs.is_one(target.parameters[0], text.utf8):
            return raw
        spans = answer_ids.ids_in(text.utf8)
        sole = _sole(target, customers)
        names = await self._names(
            call, (span.customer_id for span in spans if not (sole and span.at_root)), customers
        )
        strangers = {
            span.customer_id
            for span in spans
            if not ((sole and span.at_root) or span.customer_id in names or has_controls(span.customer_id))
        }
        new = [
            sole if sole and span.at_root else names.get(span.customer_id, span.customer_id) for span in spans
        ]
        renamed = answer_ids.replaced(text.utf8, spans, new)
        if _is_doubtful(renamed, target, customers, status) or await self._are_own(call, strangers):
            headers[WARNINGS] = _UNMAPPED
        if renamed is text.utf8:
            return raw
        forget_bytes(headers)
        headers.popall(hdrs.CONTENT_ENCODING, None)
        return text.written(renamed)

    async def _are_own(self, call: Call, strangers: Collection[str]) -> bool:
        """Whether a canonical id that stays in the answer is also an id of the channel, of another customer."""
        space = call.channel.id_space
        return bool(strangers) and await are_taken(self._services.store, space, sorted(strangers))

    async def _rename_headers(
        self, call: Call, customers: Sequence[ResolvedCustomer], headers: CIMultiDict[str]
    ) -> None:
        found = set(ids_in(headers))
        if found:
            rename(headers, await self._names(call, found, customers))

    async def _names(
        self, call: Call, customer_ids: Iterable[str], customers: Sequence[ResolvedCustomer]
    ) -> Mapping[str, str]:
        """The channel's own ids for the upstream's: the ids that the call used, and for other customers the ids that the channel
        has. A text with a control character is no one's id, and not every database can be asked for it."""
        names = {
            customer.canonical_id: customer.customer_id for customer in customers if customer.customer_id
        }
        others = {one for one in customer_ids if one not in names and not has_controls(one)}
        if others:
            names |= await names_in(self._services.store, call.channel.id_space, sorted(others))
        return names


def _sole(target: Target, customers: Sequence[ResolvedCustomer]) -> str:
    """An answer's root only has the customer that the call named; old clients may have used an address."""
    ids = {customer.customer_id for customer in customers if customer.customer_id}
    return next(iter(ids)) if len(ids) == 1 and not target.operation.named.by_name else ""


def _strange(customers: Sequence[ResolvedCustomer]) -> set[str]:
    """Ids that the channel did not use in its call. One that may be an e-mail or a number may occur in an answer as such."""
    own = {customer.customer_id for customer in customers}
    return {
        customer.canonical_id
        for customer in customers
        if customer.customer_id
        and customer.canonical_id not in own
        and "@" not in customer.canonical_id
        and not customer.canonical_id.startswith("+")
    }


def _is_doubtful(text: bytes, target: Target, customers: Sequence[ResolvedCustomer], status: int) -> bool:
    """Whether an id of another channel may still be in it: an id of the call occurs outside the members for ids, or the answer is
    no JSON and could name other customers. In JSON, an id is a text of its own; only the message of a refusal may have it as a
    word."""
    strange = _strange(customers)
    unnamed = not all(one.customer_id for one in customers)
    others = not customers or unnamed or any("." in place for place in target.operation.named.answer)
    if not others and not answer_ids.holds(text, strange, in_quotes=False):
        return False
    if not answer_ids.is_json(text):
        return True
    return answer_ids.holds(text, strange, in_quotes=status < _REFUSED)


def _forget_length(headers: CIMultiDict[str], customers: Sequence[ResolvedCustomer], target: Target) -> None:
    """Drop what a HEAD says about bytes that a GET would change."""
    lists = any("." in place for place in target.operation.named.answer)
    if lists or not customers or any(customer.customer_id != customer.canonical_id for customer in customers):
        forget_bytes(headers)
        headers.popall(hdrs.CONTENT_LENGTH, None)
