"""Passes a call on: reads which customers it names, finds the ids under which the upstream knows them, rewrites and sends the call,
and returns the answer with the channel's own ids."""

import hmac
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from functools import partial
from typing import NamedTuple

from aiohttp import hdrs
from multidict import CIMultiDict

from gateway.clock import MINUTE, SECOND
from gateway.http.gameball.call import Call, Relayed, Target
from gateway.http.gameball.decode import read_bytes, read_json
from gateway.http.gameball.envelope import CLIENT_GONE, INVALID_PAYLOAD, LOOP, Fault
from gateway.http.gameball.identifiers import Normalize
from gateway.http.gameball.limits import nearest_address
from gateway.http.gameball.texts import fault_in_customer_id
from gateway.http.gameball.trust import weigh
from gateway.http.proxy import address, body, by_name, erasing
from gateway.http.proxy.answers import Answers
from gateway.http.proxy.body import Subject
from gateway.http.proxy.by_name import Mentioned, Sent
from gateway.http.proxy.erasing import ERASING, Deletion
from gateway.http.proxy.headers import forget_bytes, passed_here, read_here, towards_upstream
from gateway.http.proxy.lookup import CustomerLookup, ResolvedCustomer
from gateway.http.proxy.relay import (
    SMALL,
    ClientGone,
    Received,
    Upload,
    ended_by_client,
    fault_of,
    pass_on,
    receive,
    respond,
)
from gateway.http.services import Services
from gateway.telemetry.tracing import Step, Tracing
from gateway.upstream.client import Request, Upstream
from gateway.upstream.errors import NoAnswer
from rules.identifier import Evidence
from rules.normalize.customer_id import normal_form

_ID = "customerId"


class _Asked(NamedTuple):
    """The customers of a call, and its parts. `in_body` are the subjects that its body names, `raw` is that body; the subject of
    the path is the first."""

    subjects: list[Subject]
    in_body: list[Subject]
    raw: bytes | None
    path: str
    query: str


class Forward:
    def __init__(self, services: Services, upstream: Upstream) -> None:
        settings = services.config.upstream
        self._services = services
        self._server = services.config.server
        self._largest = settings.max_body
        self._via = f"1.1 gateway-{hmac.digest(services.checkpoint_key, b'via', 'sha256')[:4].hex()}"
        alone = services.config.store.sqlite_path is not None
        self._lookup = CustomerLookup(services, MINUTE if alone else SECOND)
        self._answers = Answers(services)
        self._upstream = upstream
        self._deadline = settings.total_timeout
        self._largest_answer = settings.max_response
        self._tracing = services.telemetry.tracing

    async def __call__(self, call: Call) -> Relayed | Fault:
        target = call.target
        assert target is not None  # noqa: S101 - a handler is called with one
        if passed_here(call.request.headers, self._via):
            return LOOP
        if target.operation.named.by_name:
            asked = await by_name.read(call, target, partial(_evidence, call), self._largest)
        else:
            asked = await self._read(call, target)
        if isinstance(asked, Fault):
            return asked
        for customer_id in [subject.customer_id for subject in asked.subjects] or [""]:
            if fault := call.fault_in_session(customer_id):
                return fault
        for subject in asked.subjects:
            subject.evidence, subject.claims = weigh(call, subject.evidence)
        customers = await self._lookup.find_all(call, asked.subjects, creates=target.operation.named.creates)
        if isinstance(customers, Fault):
            return customers
        return await self._send(call, target, asked, customers)

    # ---- what the call says ----

    async def _read(self, call: Call, target: Target) -> _Asked | Fault:
        named = target.operation.named
        normalize = partial(_evidence, call)
        path, _, query = call.request.raw_path.partition("?")
        raw, in_body = None, list[Subject]()
        if named.body and call.request.body_exists:
            raw = await read_json(call.request, self._largest, self._server)
            if isinstance(raw, Fault):
                return raw
        if raw:
            found = body.read(raw, named, tuple(self._services.env.rules.identifiers), normalize)
            if isinstance(found, Fault):
                return found
            in_body = found
        subjects = in_body
        if named.path and target.parameters:
            subjects = _with_path(target, in_body, normalize)
        elif query and not in_body:
            subjects = _from_query(query, named.query or (_ID,), normalize)
        if isinstance(subjects, Fault):
            return subjects
        if query and (in_body or named.path):
            fault = _fault_in_repetition(query, subjects)
            if fault is not None:
                return fault
        return _Asked(subjects, in_body, raw, path, query)

    # ---- what is sent ----

    async def _send(
        self, call: Call, target: Target, asked: _Asked | Mentioned, customers: Sequence[ResolvedCustomer]
    ) -> Relayed | Fault:
        if isinstance(asked, Mentioned):
            sent = asked.write(target, customers, by_name.keys_of(call, self._services))
        else:
            sent = _written(target, asked, customers)
        if isinstance(sent, Fault):
            return sent
        step = _step(self._tracing, call, target) if self._tracing is not None else None
        headers = self._headers(call, step)
        if sent.raw is not None:
            if sent.raw is not await call.request.read():
                forget_bytes(headers)
            read_here(headers)
        content = sent.raw if sent.raw is not None else await self._unread(call)
        if isinstance(content, Fault):
            return content
        if Answers.concerns(target, customers):
            _readable(headers)
        if isinstance(asked, Mentioned):
            by_name.note(call, asked, sent)
        upload = content if isinstance(content, Upload) else None
        request = Request(
            call.request.method,
            sent.path + ("?" + sent.query if sent.query else ""),
            headers,
            content.chunks() if isinstance(content, Upload) else content,
            target.operation.rate,
            key_alone=call.key_alone,
            step=step,
        )
        try:
            with nullcontext() if target.route in ERASING else ended_by_client(call):
                return await self._exchange(call, target, request, customers, sent.hashes)
        except NoAnswer as failure:
            return (upload and upload.fault) or fault_of(failure)
        except ClientGone:
            return (upload and upload.fault) or CLIENT_GONE

    async def _exchange(
        self,
        call: Call,
        target: Target,
        request: Request,
        customers: Sequence[ResolvedCustomer],
        hashes: Mapping[str, str],
    ) -> Relayed | Fault:
        """Send the request, and return the answer. Raises NoAnswer."""
        async with self._upstream.exchange(request, deadline_ms=self._deadline) as reply:
            if not Answers.concerns(target, customers):
                return await pass_on(call, reply, customers, self._largest_answer)
            answer: Received | Fault = await receive(call, reply, self._largest_answer)
        if target.route in ERASING:
            delete = partial(self._delete, call, target, request)
            customer, answer = await erasing.carry_out(call, Deletion(customers[0], answer), delete)
            if isinstance(answer, Fault):
                return answer
            customers = [customer]
        answer = await self._answers.rewrite(call, target, customers, answer)
        return respond(call, by_name.with_own_hash(answer, hashes), customers)

    async def _delete(
        self, call: Call, target: Target, request: Request, canonical_id: str
    ) -> Received | Fault:
        """Send a deletion for another canonical id of the person. Raises NoAnswer."""
        path = address.path(request.target.partition("?")[0], {target.id_at[0]: canonical_id})
        if isinstance(path, Fault):
            return path
        step = _step(self._tracing, call, target) if self._tracing is not None else None
        headers = self._headers(call, step)
        _readable(headers)
        deletion = request._replace(target=path, headers=headers, body=None, step=step)
        async with self._upstream.exchange(deletion, deadline_ms=self._deadline) as reply:
            return await receive(call, reply, self._largest_answer)

    def _headers(self, call: Call, step: Step | None) -> CIMultiDict[str]:
        return towards_upstream(
            call.request.headers,
            via=self._via,
            request_id=call.request_id,
            trace_of=call.trace,
            step=step.step_id if step is not None else "",
            address=nearest_address(call.request, self._services.config.server.trusted_proxies),
        )

    async def _unread(self, call: Call) -> bytes | Upload | Fault | None:
        """A body that names no customer, as it came."""
        if not call.request.body_exists:
            return None
        length = call.request.content_length
        if length is not None and (length <= SMALL or length > self._largest):
            return await read_bytes(call.request, self._largest, self._server)
        return Upload(call.request, self._largest, self._server.body_timeout)


def _step(tracing: Tracing, call: Call, target: Target) -> Step | None:
    return tracing.step(call.trace, call.request_id, call.request.method, target.operation.path, {})


def _evidence(call: Call, kind: str, text: str) -> Sequence[Evidence]:
    return call.services.env.normalizer.evidence(kind, text, call.channel.default_region)


def _with_path(target: Target, in_body: list[Subject], normalize: Normalize) -> list[Subject] | Fault:
    """The subject of the path first. The body may repeat its id and state more about it, but name no other customer."""
    customer_id = target.parameters[0]
    fault = fault_in_customer_id(customer_id)
    if fault is not None:
        return fault
    if not in_body:
        return [Subject(customer_id)]
    subject = in_body[0]
    if subject.customer_id and normal_form(subject.customer_id) != normal_form(customer_id):
        return INVALID_PAYLOAD
    subject.repeat(customer_id)
    return in_body


def _fault_in_repetition(query: str, subjects: Sequence[Subject]) -> Fault | None:
    """If path or body name the customer, the query may repeat the id, but name no other."""
    found = address.parameters(query, (_ID,))
    if isinstance(found, Fault):
        return found
    named = [normal_form(subject.customer_id) for subject in subjects]
    return None if not found or named == [normal_form(found[_ID])] else INVALID_PAYLOAD


def _from_query(query: str, names: Sequence[str], normalize: Normalize) -> list[Subject] | Fault:
    """The id and, if the operation has them, e-mail and mobile. A `+` that was not escaped arrives as a blank."""
    values = address.parameters(query, names)
    if isinstance(values, Fault):
        return values
    subject = Subject()
    for name, text in values.items():
        if not text:
            continue
        if name in ("email", "mobile"):
            written = "+" + text[1:] if name == "mobile" and text.startswith(" ") else text
            changed = subject.state(name, written, normalize)
            if changed is not None or written != text:
                subject.changes[name] = changed or written
            continue
        fault = fault_in_customer_id(text)
        if fault is not None:
            return fault
        subject.customer_id, subject.id_member = text, name
    return [subject] if values else []


def _written(target: Target, asked: _Asked, customers: Sequence[ResolvedCustomer]) -> Sent | Fault:
    named = target.operation.named
    for subject, customer in zip(asked.subjects, customers, strict=True):
        subject.call_it(customer.canonical_id)
    in_path = {target.id_at[0]: customers[0].canonical_id} if named.path and target.parameters else {}
    path = address.path(asked.path, in_path)
    if isinstance(path, Fault):
        return path
    query, raw = asked.query, asked.raw
    if raw is not None:
        raw = body.write(raw, asked.in_body, many=named.body == "many")
    elif query and asked.subjects and asked.subjects[0].changes and not named.path:
        query = address.with_parameters(query, asked.subjects[0].changes)
    if query and len(customers) == 1 and (named.path or asked.in_body):
        query = address.with_parameters(query, {_ID: customers[0].canonical_id})
    return Sent(path, query, raw)


def _readable(headers: CIMultiDict[str]) -> None:
    """Have the upstream send the answer whole and unencoded, because it will be read here."""
    headers[hdrs.ACCEPT_ENCODING] = "identity"
    for name in (hdrs.RANGE, hdrs.IF_RANGE):
        headers.popall(name, None)
