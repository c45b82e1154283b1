"""Webhooks from the platform: verified against the bytes that came, answered once the event is on disk. The signature is a plain
hash without a time, so each signed text counts once."""

import contextlib
import hashlib
import hmac
import re
from collections.abc import Iterator
from typing import Any

import msgspec

from gateway.http.gameball.call import Answer, Call
from gateway.http.gameball.decode import parse_object, read_plain, without_bom
from gateway.http.gameball.envelope import INVALID_PAYLOAD, WRONG_SIGNATURE, Fault
from gateway.http.gameball.texts import has_controls, text_of
from gateway.model import Caller, ReceiveWebhook

PATH = "/webhooks/gameball"
_HEADER = "X-GB-Signature"
_TOPIC = re.compile(r"[a-z0-9_.]{1,100}")
_LONGEST = 100
_encode = msgspec.json.Encoder().encode


class _Event(msgspec.Struct):
    event: str
    customer_id: Any = None


async def receive_webhook(call: Call) -> Answer | Fault:
    config = call.services.config
    raw = await read_plain(call.request, config.server.max_body, config.server)
    if isinstance(raw, Fault):
        return raw
    secret = config.upstream.secret_key
    signed = (
        _signed(raw, call.request.headers.get(_HEADER, ""), secret.reveal()) if secret is not None else None
    )
    if signed is None:
        return WRONG_SIGNATURE
    call.actor, call.source, call.trust = "upstream", "platform", "state"
    command = _command(without_bom(signed), without_bom(raw), call.caller)
    if isinstance(command, Fault):
        return command
    await call.services.pipeline.submit(command)
    return Answer(b"{}")


def _signed(raw: bytes, given: str, secret: str) -> bytes | None:
    """The bytes that the signature covers; None if it covers nothing here. It is hex SHA-1 over the body and the secret key: over
    the bytes that came, with their byte order mark or without, else over the body written compactly, as the platform signs it
    before a proxy rewrites it."""
    signature = given.strip().lower().encode("utf-8", "replace")
    return next(
        (body for body in _readings(raw) if hmac.compare_digest(_signature(body, secret), signature)), None
    )


def _readings(raw: bytes) -> Iterator[bytes]:
    text = without_bom(raw)
    yield from dict.fromkeys((raw, text))
    with contextlib.suppress(ValueError, RecursionError):
        yield _encode(msgspec.json.decode(text))


def _signature(body: bytes, secret: str) -> bytes:
    """The platform's choice of hash, not ours."""
    return hashlib.sha1(body + b":" + secret.encode()).hexdigest().encode()  # noqa: S324


def _command(signed: bytes, raw: bytes, caller: Caller) -> ReceiveWebhook | Fault:
    """An event is a repetition if the same text was signed: all of it, and nothing that could be changed on its way."""
    body = parse_object(raw)
    if isinstance(body, Fault):
        return body
    try:
        event = msgspec.convert(body, _Event)
    except msgspec.ValidationError:
        return INVALID_PAYLOAD
    customer_id = "" if event.customer_id is None else text_of(event.customer_id)
    if customer_id is None or len(customer_id) > _LONGEST or has_controls(customer_id):
        return INVALID_PAYLOAD
    if not _TOPIC.fullmatch(event.event):
        return INVALID_PAYLOAD
    return ReceiveWebhook(caller, hashlib.sha256(signed).hexdigest(), event.event, customer_id, raw.decode())
