"""A client that speaks plain HTTP/1.1 over its own socket, so that it knows which requests were sent and which got no answer."""

import asyncio
import json
from collections.abc import Mapping
from types import TracebackType
from typing import NamedTuple, Self

from tests.support.processes.gateway_process import ADMIN_TOKEN, API_KEY, SECRET_KEY

CUSTOMERS = "/api/v4.0/integrations/customers"
ACHIEVE = f"{CUSTOMERS}/social-challenges"


class Answer(NamedTuple):
    """Header names are lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def code(self) -> int:
        """The code of the error envelope; 0 when the answer is none."""
        return json.loads(self.body).get("code", 0) if self.body else 0

    @property
    def is_replay(self) -> bool:
        return "idempotent-replayed" in self.headers


def request(
    method: str,
    target: str,
    body: bytes = b"",
    headers: Mapping[str, str] | None = None,
    *,
    keys: bool = True,
) -> bytes:
    """The bytes of one request with the channel's keys."""
    fields = {"Host": "gateway", **({"apikey": API_KEY, "secretkey": SECRET_KEY} if keys else {})}
    if body:
        fields |= {"Content-Type": "application/json", "Content-Length": str(len(body))}
    fields |= headers or {}
    head = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
    return f"{method} {target} HTTP/1.1\r\n{head}\r\n".encode() + body


def achieve_request(customer_id: str, campaign_id: int, key: str = "") -> bytes:
    body = json.dumps({"customerId": customer_id, "challengeId": campaign_id}).encode()
    return request("POST", ACHIEVE, body, {"Idempotency-Key": key} if key else None)


def customer_request(customer_id: str, **fields: object) -> bytes:
    return request("POST", CUSTOMERS, json.dumps({"customerId": customer_id, **fields}).encode())


def admin_request(target: str) -> bytes:
    headers = {"Authorization": f"Bearer {ADMIN_TOKEN}", "Host": "localhost"}
    return request("GET", target, headers=headers, keys=False)


class HttpConnection:
    """One keep-alive connection; opened again for the next call when the other side has closed it. `patience` is how many
    seconds an answer may take before the client gives up."""

    def __init__(self, port: int, patience: float = 30.0) -> None:
        self._port = port
        self._patience = patience
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    async def open(self) -> asyncio.StreamWriter:
        """Raises OSError without a listener: then nothing was sent."""
        if self._streams is None:
            self._streams = await asyncio.open_connection("127.0.0.1", self._port)
        return self._streams[1]

    def close(self) -> None:
        if self._streams is not None:
            self._streams[1].transport.abort()
            self._streams = None

    async def call(self, data: bytes) -> Answer | None:
        """The answer; None when it never came whole, so that the outcome of the request is unknown."""
        writer = await self.open()
        try:
            writer.write(data)
            async with asyncio.timeout(self._patience):
                answer = await self.receive()
        except (OSError, EOFError):
            self.close()
            return None
        if answer.headers.get("connection") == "close":
            self.close()
        return answer

    async def receive(self) -> Answer:
        """Raises OSError or EOFError when the other side goes away first."""
        assert self._streams is not None
        return await read_answer(self._streams[0])


async def read_answer(reader: asyncio.StreamReader) -> Answer:
    """Raises OSError or EOFError when the other side goes away first."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    pairs = (line.split(":", 1) for line in head[1:] if line)
    headers = {name.lower(): value.strip() for name, value in pairs}
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    return Answer(int(head[0].split(" ")[1]), headers, body)


async def call(port: int, data: bytes) -> Answer:
    """One request on a connection of its own."""
    async with HttpConnection(port) as connection:
        answer = await connection.call(data)
    assert answer is not None, "the connection was closed without an answer"
    return answer
