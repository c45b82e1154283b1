"""One call on its way through the public listener: its sender, its target, and its answer."""

from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple

import msgspec
from aiohttp import web

from gateway import trace
from gateway.config import Channel
from gateway.http.gameball.envelope import SESSION_OF_ANOTHER, Fault
from gateway.http.gameball.operations import Operation
from gateway.http.services import Services
from gateway.ids import show
from gateway.model import Caller, Resolution
from rules.identifier import Evidence
from rules.source import Source, Trust

WARNINGS = "X-Gateway-Warnings"
_AS_IN_GUIDES = "transactionkey"
"""The platform's guides for web shops call the secret key this."""
encode = msgspec.json.Encoder().encode
"""Compact UTF-8 JSON, members in the order of writing."""


class Answer(NamedTuple):
    """A call that was carried out; a fault's code is never 0. `profile_id` is set if it led to a profile, `decision` if its
    customer was resolved. `warnings` are codes; `headers` are JSON pairs, "" for the usual headers."""

    body: bytes
    status: int = 200
    profile_id: int | None = None
    decision: str = ""
    warnings: tuple[str, ...] = ()
    replayed: bool = False
    code: int = 0
    headers: str = ""


class Relayed(NamedTuple):
    """The upstream's answer with our headers on it; `response` may have gone out already. A `code` other than 0 says why it was cut
    short."""

    response: web.StreamResponse
    profile_id: int | None = None
    decision: str = ""
    code: int = 0

    @property
    def status(self) -> int:
        return self.response.status


class Target(NamedTuple):
    """What a path and a method lead to. `route` names it in logs, metrics and audit events; `parameters` are decoded once; `id_at`
    are the segments of the path that are customer ids. `key_alone`: without the secret key, the call is passed on with the api key
    alone, and the platform decides. `signed`: no keys are asked for, because the handler checks the body's signature."""

    route: str
    operation: Operation
    parameters: tuple[str, ...]
    handler: "Handler"
    needs_secret: bool
    too_old: bool
    takes_token: bool = False
    signed: bool = False
    key_alone: bool = False
    id_at: tuple[int, ...] = ()


class Call:
    """A handler gets the call with its channel and target; before, it has none. `session` is the customer id of a session token, ""
    if the channel itself speaks, for all its customers; `token_evidence` is what the session token says about that customer.
    `source` is who speaks, `trust` what that one may do. `trace` is the caller's own, or one that is followed. `key_alone`: the
    platform's secret key must not vouch for it. `warnings` are about the call as a whole. Nothing after the `last` call of a
    connection is read."""

    __slots__ = (
        "actor",
        "channel",
        "key_alone",
        "last",
        "request",
        "request_id",
        "services",
        "session",
        "source",
        "target",
        "token_evidence",
        "trace",
        "trust",
        "warnings",
    )

    def __init__(self, services: Services, request: web.BaseRequest, request_id: str) -> None:
        self.services = services
        self.request = request
        self.request_id = request_id
        self.trace = trace.taken(request.headers.getall(trace.HEADER, ()))
        self.target: Target | None = None
        self.channel: Channel = NOBODY
        self.actor = "anonymous"
        self.session = ""
        self.token_evidence: tuple[Evidence, ...] = ()
        self.source: Source = "public"
        self.trust: Trust = "ignore"
        self.key_alone = False
        self.last = False
        self.warnings: tuple[str, ...] = ()

    @property
    def secret_key(self) -> str | None:
        """As it was sent, right or wrong."""
        headers = self.request.headers
        return headers.get("secretkey") or headers.get(_AS_IN_GUIDES)

    @property
    def caller(self) -> Caller:
        channel = self.channel
        return Caller(
            channel.name, channel.id_space, self.actor, self.request_id, self.source, self.trust, self.trace
        )

    @property
    def trace_id(self) -> str:
        return trace.trace_id(self.trace, self.request_id)

    def fault_in_session(self, customer_id: str) -> Fault | None:
        """An operation that takes session tokens asks this about each customer that the call names."""
        return None if self.session in ("", customer_id) else SESSION_OF_ANOTHER

    @property
    def route(self) -> str:
        return self.target.route if self.target else "unknown"

    def response_headers(
        self, profile_id: int | None, decision: str, warnings: tuple[str, ...] = ()
    ) -> dict[str, str]:
        """What an answer says about the call. Only trusted channels, which may state identifiers, learn the profile."""
        headers = {"X-Request-Id": self.request_id}
        towards_trusted = self.channel.trusted and self.trust == "state"
        if profile_id is not None and towards_trusted and self.services.config.server.identity_headers:
            headers["X-Gateway-Profile"] = show("prf", profile_id)
            if decision:
                headers["X-Gateway-Decision"] = decision
        if warnings:
            headers[WARNINGS] = ", ".join(warnings)
        return headers

    @property
    def customer_id(self) -> str:
        """The id of the record that the path names."""
        return self.services.env.normalizer.customer_id(self.parameters[0], self.channel.id_space).value

    @property
    def parameters(self) -> tuple[str, ...]:
        return self.target.parameters if self.target else ()


NOBODY = Channel(name="", trusted=False)
Handler = Callable[[Call], Awaitable[Answer | Relayed | Fault]]


def shown(value: Any, profile_id: int | None = None) -> Answer:
    """`value` as JSON."""
    return Answer(encode(value), 200, profile_id)


def carried_out(value: Any, resolution: Resolution, warnings: tuple[str, ...] = ()) -> Answer:
    """`value` as JSON, after a command that led to a profile."""
    return Answer(
        encode(value), 200, resolution.profile_id, resolution.decision, warnings + resolution.warnings
    )
