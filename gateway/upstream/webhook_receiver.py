"""The receiver of a webhook: an address that is called with bodies signed as Standard Webhooks defines."""

import hashlib
import hmac
from base64 import b64decode, b64encode
from binascii import Error as NotBase64
from collections.abc import Mapping
from typing import Final, NamedTuple

from aiohttp import (
    ClientConnectionError,
    ClientConnectorError,
    ClientError,
    ClientSession,
    ClientTimeout,
    DummyCookieJar,
    TCPConnector,
)
from aiohttp.abc import AbstractResolver
from aiohttp.resolver import ThreadedResolver
from yarl import URL

from gateway.clock import SECOND
from gateway.config import Webhook
from gateway.telemetry.tracing import Server
from gateway.upstream.addresses import PrivateAddress, PublicResolver, check_literal
from gateway.upstream.answers import retry_after
from gateway.upstream.certificates import NoteEnd, client_context, is_refused

_DEADLINE_SECONDS: Final = 10
_STANDARD: Final = "whsec_"


class Reply(NamedTuple):
    """`status` 0: there was no answer. `reason` "": it was accepted. `wait`: the receiver asked for a pause of so many ms."""

    status: int
    reason: str
    wait: int | None


class WebhookReceiver:
    """`open` before the first `post`, `close` after the last."""

    def __init__(
        self,
        webhook: Webhook,
        resolver: AbstractResolver | None = None,
        note_certificate: NoteEnd = lambda ends_at: None,
    ) -> None:
        self._url = URL(webhook.url)
        self.server = Server(self._url.raw_host or "", self._url.port or 0)
        self._key = signing_key(webhook.secret.reveal() if webhook.secret else "")
        self._allow_private = webhook.allow_private
        self._resolver = resolver
        self._note_certificate = note_certificate
        self._session: ClientSession

    def open(self) -> None:
        resolver = self._resolver or ThreadedResolver()
        self._session = ClientSession(
            connector=TCPConnector(
                resolver=resolver if self._allow_private else PublicResolver(resolver),
                ssl=client_context(self._note_certificate) if self._url.scheme == "https" else True,
                use_dns_cache=False,
                force_close=True,
            ),
            cookie_jar=DummyCookieJar(),
            timeout=ClientTimeout(total=_DEADLINE_SECONDS),
            auto_decompress=False,
            trust_env=False,
        )

    async def close(self) -> None:
        await self._session.close()

    async def post(self, body: bytes, message_id: str, now: int, cause: Mapping[str, str] = {}) -> Reply:
        """Send one message, at the time `now` (ms). `cause` are headers that name the call which caused it."""
        headers = {"Content-Type": "application/json", "User-Agent": "gateway", **cause}
        headers |= signed(body, self._key, message_id, now // SECOND)
        try:
            if not self._allow_private:
                check_literal(self._url.host or "")
            async with self._session.post(
                self._url, data=body, headers=headers, allow_redirects=False
            ) as answer:
                taken = 200 <= answer.status < 300
                wait = retry_after(answer.headers.get("Retry-After"), now)
                return Reply(answer.status, "" if taken else f"status_{answer.status}", wait)
        except (OSError, ClientError, TimeoutError, ValueError) as error:  # the last for invalid host names
            return Reply(0, _reason(error), None)


def _reason(error: Exception) -> str:
    if isinstance(error, PrivateAddress) or isinstance(error.__cause__, PrivateAddress):
        return "private_address"
    if isinstance(error, TimeoutError):
        return "timeout"
    if is_refused(error) or is_refused(error.__cause__):
        return "certificate"
    if isinstance(error, ClientConnectorError):
        return "no_connection"
    return "disconnected" if isinstance(error, OSError | ClientConnectionError) else "malformed"


def signing_key(secret: str) -> bytes:
    """The bytes of a `whsec_…` secret, as Standard Webhooks writes them; any other text is used as it is."""
    if secret.startswith(_STANDARD):
        try:
            return b64decode(secret.removeprefix(_STANDARD), validate=True)
        except NotBase64:
            pass
    return secret.encode()


def signed(body: bytes, key: bytes, message_id: str, seconds: int) -> dict[str, str]:
    """The three headers by which a receiver checks the sender, the message and its age."""
    digest = hmac.digest(key, b".".join((message_id.encode(), str(seconds).encode(), body)), hashlib.sha256)
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(seconds),
        "webhook-signature": f"v1,{b64encode(digest).decode()}",
    }
