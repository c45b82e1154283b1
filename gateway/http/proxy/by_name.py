"""A call of an operation without known places for customers: it is searched for the customers that it mentions, and rewritten with
their canonical ids."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from aiohttp import hdrs

from gateway.http.gameball.call import Call, Target
from gateway.http.gameball.content_type import read_content_type
from gateway.http.gameball.decode import parse, read_json, read_plain
from gateway.http.gameball.envelope import TOO_MANY_VALUES, Fault
from gateway.http.gameball.identifiers import Normalize
from gateway.http.proxy import address, mentions, signature
from gateway.http.proxy.body import Subject
from gateway.http.proxy.lookup import ResolvedCustomer
from gateway.http.proxy.mentions import Mentions, Writing
from gateway.http.proxy.relay import Received
from gateway.http.services import Services

_FORM = "application/x-www-form-urlencoded"
_MOST_FIELDS = 1_024
_LONGEST_NAME = 2_048
"""The limits for forms of ASP.NET, in which the platform is written."""
_UNREAD = "body:unread"
_HASH_UNCHECKED = "hash:unchecked"
"""The hash is passed on as it came: it is wrong, or only the digest of this channel's secret key is known."""


class Sent(NamedTuple):
    """What goes out: path and query, and the body if it was read."""

    path: str
    query: str
    raw: bytes | None
    hashes: Mapping[str, str] = {}
    """Hashes of the channel's key, by the platform's hashes that replace them."""


class Mentioned(NamedTuple):
    """`value` is the body's JSON, None if it is no JSON; `form`: its body is written like a query."""

    path: str
    query: str
    raw: bytes | None
    value: Any
    form: bool
    found: Mentions

    def write(
        self, target: Target, customers: Sequence[ResolvedCustomer], keys: tuple[str, str]
    ) -> Sent | Fault:
        """`keys` are the secret keys of the channel, "" if it is not known, and of the platform."""
        ids = {
            sent: customer.canonical_id for sent, customer in zip(self.found.subjects, customers, strict=True)
        }
        in_path = zip(target.id_at, target.parameters, strict=True)
        path = address.path(self.path, {place: ids[text] for place, text in in_path})
        if isinstance(path, Fault):
            return path
        hashes = self._hashes(ids, keys)
        raw = self.raw
        if raw is not None and self.form:
            raw = mentions.rewritten_query(raw.decode(), ids).encode()
        elif raw is not None and self.value is not None:
            raw = mentions.rewritten(raw, Writing(ids, self.found.texts, hashes))
        query = mentions.rewritten_query(self.query, ids)
        return Sent(path, query, raw, {new: old for old, new in hashes.items()})

    @property
    def subjects(self) -> list[Subject]:
        return list(self.found.subjects.values())

    @property
    def is_signed(self) -> bool:
        return bool(self.found.kinds) and signature.find(self.value) is not None

    def _hashes(self, ids: Mapping[str, str], keys: tuple[str, str]) -> dict[str, str]:
        signed = signature.find(self.value) if self.found.kinds else None
        channels, platforms = keys
        form = signed.form(channels) if signed is not None and channels else None
        if signed is None or form is None:
            return {}
        canonical_id = ids.get(signed.customer_id, signed.customer_id)
        return {signed.hash: signature.signature(canonical_id, *form, platforms)}


async def read(call: Call, target: Target, normalize: Normalize, largest: int) -> Mentioned | Fault:
    services = call.services
    kinds = tuple(services.env.rules.identifiers) if target.operation.named.by_name == "people" else ()
    found = Mentions(kinds, normalize)
    path, _, query = call.request.raw_path.partition("?")
    body = await _body(call, largest)
    if isinstance(body, Fault):
        return body
    raw, value, form = body
    faults = (
        *(found.add_path(text) for text in target.parameters[: len(target.id_at)]),
        found.add_query(query),
        found.add_query(raw.decode()) if form and raw is not None else found.add_value(value),
    )
    fault = next((fault for fault in faults if fault is not None), None)
    return fault or Mentioned(path, query, raw, value, form, found)


async def _body(call: Call, largest: int) -> tuple[bytes | None, Any, bool] | Fault:
    """The bytes if they are read, their JSON, and whether they are a form instead. Other bodies are passed on unread."""
    request, server = call.request, call.services.config.server
    if not request.body_exists:
        return None, None, False
    kind = read_content_type(request.headers.get(hdrs.CONTENT_TYPE, ""))
    if kind.media and kind.is_json:
        raw = await read_json(request, largest, server)
        if isinstance(raw, Fault):
            return raw
        value = parse(raw) if raw else None
        return value if isinstance(value, Fault) else (raw, value, False)
    is_form = kind.media == _FORM
    if kind.media and not is_form:
        call.warnings += (_UNREAD,)
        return None, None, False
    raw = await read_plain(request, largest, server)
    if isinstance(raw, Fault):
        return raw
    value = parse(raw)
    if not isinstance(value, Fault):
        return raw, value, False
    if is_form and raw.isascii():
        return _fault_in_form(raw) or (raw, None, True)
    call.warnings += (_UNREAD,)
    return raw, None, False


def _fault_in_form(raw: bytes) -> Fault | None:
    """Each field takes time to read, and so does a long name."""
    if raw.count(b"&") >= _MOST_FIELDS:
        return TOO_MANY_VALUES
    names = (field.partition(b"=")[0] for field in raw.split(b"&"))
    return TOO_MANY_VALUES if any(len(name) > _LONGEST_NAME for name in names) else None


def keys_of(call: Call, services: Services) -> tuple[str, str]:
    """The secret key that the channel signs with, if it is known here, and the platform's."""
    shown = call.secret_key
    configured = call.channel.secret_key.secret if call.channel.secret_key else None
    channels = shown if shown and not call.key_alone else configured.reveal() if configured else ""
    platforms = services.config.upstream.secret_key
    return channels, platforms.reveal() if platforms else ""


def note(call: Call, mentioned: Mentioned, sent: Sent) -> None:
    """What the caller and the operator are told."""
    if mentioned.is_signed and not sent.hashes:
        call.warnings += (_HASH_UNCHECKED,)
    if call.target is not None and call.target.operation.named.by_name == "ids":
        call.warnings += ("route:unknown",)
        call.services.telemetry.metrics.unknown_routes.labels(call.channel.name, call.request.method).inc()


def with_own_hash(answer: Received, hashes: Mapping[str, str]) -> Received:
    """If the answer repeats the platform's hash, it gets the channel's one: the platform's is as valuable as its key."""
    body = answer.body
    for ours, theirs in hashes.items():
        body = body.replace(ours.encode(), theirs.encode())
    return answer._replace(body=body)
