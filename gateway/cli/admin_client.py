"""The client of the admin API: of the running gateway with this configuration, or else of the same API over the store, which
this process then opens itself, on a private socket. A command sees no difference, so it can do only what the API can."""

import asyncio
import contextlib
import getpass
import hmac
import json
import os
import re
import secrets
import tempfile
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar
from urllib.parse import quote

import msgspec

from gateway.cli.failure import MISUSED, REFUSED, Failure
from gateway.cli.options import settings
from gateway.config import Config, operator_token
from gateway.config.master_secret import command_token, proof, proving_key
from gateway.errors import AlreadyRunning

if TYPE_CHECKING:
    import aiohttp

T = TypeVar("T")
_ANYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - what is listened on, and how to reach it from here
_PROBE_SECONDS = 2
_CONNECT_SECONDS = 5
_LONGEST_PROOF = 1024
_USAGE = frozenset({400, 415, 422})


class Admin:
    """Sends requests to the admin API and raises a Failure for each refusal. Without `changes` only reads are possible, because
    this process opened the database for reading."""

    def __init__(self, session: "aiohttp.ClientSession", *, changes: bool) -> None:
        self._session = session
        self._changes = changes

    async def get(self, path: str, **query: object) -> Any:
        return await self._ask("GET", path, query)

    async def delete(self, path: str, body: object = None, **query: object) -> Any:
        return await self._ask("DELETE", path, query, body)

    async def post(
        self, path: str, body: object = None, *, if_version: int | None = None, **query: object
    ) -> Any:
        headers = {} if if_version is None else {"If-Match": f'"{if_version}"'}
        return await self._ask("POST", path, query, body, headers)

    async def lines(
        self, path: str, form: str = "application/x-ndjson", **query: object
    ) -> AsyncIterator[bytes]:
        """The items of a list, all of them, each as its JSON line; or the lines of another form of the list."""
        headers = {"Accept": form}
        async with self._session.get(f"/admin/v1{path}", params=_given(query), headers=headers) as response:
            if response.status >= 400:
                raise _failure(response.status, await response.read())
            async for line in response.content:
                yield line

    async def _ask(
        self,
        method: str,
        path: str,
        query: Mapping[str, object],
        body: object = None,
        headers: Mapping[str, str] | None = None,
    ) -> Any:
        if method != "GET" and not self._changes:
            raise AssertionError(f"{method} {path}: the command was declared to change nothing")
        async with self._session.request(
            method, f"/admin/v1{path}", params=_given(query), json=body, headers=headers
        ) as response:
            answer = await response.read()
            if response.status >= 400:
                raise _failure(response.status, answer)
            return msgspec.json.decode(answer)


def segment(text: str) -> str:
    """Any text that a person typed, as one segment of a path. Raises Failure for a text that would be another path."""
    if text in ("", ".", ".."):
        raise Failure(f'"{text}": is not an id or a name; write the one that a list shows', MISUSED)
    return quote(text, safe="")


def ask(
    config_file: Path,
    work: Callable[[Admin], Awaitable[T]],
    *,
    changes: bool = False,
    only_running: bool = False,
) -> T:
    """Run `work` with a connection for this configuration. `changes`: it does more than read. `only_running`: it needs a
    running gateway."""

    async def connected() -> T:
        config = settings(config_file)
        if only_running and await running_at(config) is None:
            raise Failure(
                "no gateway runs on this configuration, so nothing happens; start it with: gateway serve"
            )
        async with connect(config, changes=changes) as admin:
            return await work(admin)

    return asyncio.run(connected())


def fetch(config_file: Path, path: str, **query: Any) -> Any:
    """The answer of one operation that changes nothing."""
    return ask(config_file, lambda admin: admin.get(path, **query))


@contextlib.asynccontextmanager
async def connect(config: Config, *, changes: bool) -> AsyncGenerator[Admin]:
    import aiohttp

    try:
        url = await running_at(config)
        if url is None:
            async with _by_itself(config, changes=changes) as admin:
                yield admin
            return
        token = command_token(config)
        async with _session(url) as session:
            await _have_proven(session, config, token)
            session.headers.update(_bearer(token))
            yield Admin(session, changes=True)
    except AlreadyRunning:
        raise Failure(
            f"another process holds {config.store.sqlite_path}, but no gateway answers on server.admin_listen"
            f" ({config.server.admin_listen}). If it is a command, wait for its end. If it is a gateway, it is busy, or began"
            " with other settings: run the command again, or name those settings with --config"
        ) from None
    except aiohttp.ClientError as error:
        raise Failure(
            f"the admin API stopped answering ({type(error).__name__}); run the command again"
        ) from None


async def running_at(config: Config) -> str | None:
    """The address at which a listener answers for this configuration; None if none does. It is not yet known which program it
    belongs to."""
    address = config.server.admin_listen
    url = f"http://{address._replace(host=_ANYWHERE.get(address.host, address.host))}"
    if not address.port:
        return None
    import aiohttp

    try:
        async with (
            aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=_PROBE_SECONDS)) as session,
            session.get(f"{url}/healthz", allow_redirects=False) as response,
        ):
            return url if await response.json(content_type=None) == {"status": "ok"} else None
    except (aiohttp.ClientError, TimeoutError, ValueError):
        return None


@contextlib.asynccontextmanager
async def _by_itself(config: Config, *, changes: bool) -> AsyncGenerator[Admin]:
    import aiohttp
    from aiohttp import web

    from gateway.app.opening import offline
    from gateway.http import admin

    async with offline(config, changes=changes) as services:
        with tempfile.TemporaryDirectory(prefix="gateway-") as directory:
            runner = web.AppRunner(admin.build(services), access_log=None, shutdown_timeout=1)
            await runner.setup()
            try:
                socket = f"{directory}/admin"
                await web.UnixSite(runner, socket).start()
                connector = aiohttp.UnixConnector(socket)
                async with _session("http://localhost", connector) as session:
                    configured = config.server.admin_token
                    token = configured.reveal() if configured is not None else services.admin_token
                    session.headers.update(_bearer(token))
                    yield Admin(session, changes=changes)
            finally:
                await runner.cleanup()


async def _have_proven(session: "aiohttp.ClientSession", config: Config, token: str) -> None:
    """Any program may listen on the address, so the listener has to prove that it knows the token before the token is sent.
    Raises Failure."""
    challenge, address = secrets.token_hex(32), config.server.admin_listen
    operators = operator_token.parsed(token)
    asked = {"challenge": challenge} | ({"token": operators.token_id} if operators else {})
    async with session.get("/healthz", params=asked, allow_redirects=False) as response:
        answer = await response.content.read(_LONGEST_PROOF)
    try:
        given = msgspec.json.decode(answer, type=_Proven).proof
    except msgspec.DecodeError:
        given = ""
    key = operators.proving_key if operators else proving_key(token)
    host = _ANYWHERE.get(address.host, address.host)
    hosts = {found[4][0] for found in await asyncio.get_running_loop().getaddrinfo(host, address.port)}
    if not any(hmac.compare_digest(proof(key, challenge, str(one), address.port), given) for one in hosts):
        raise Failure(
            f"another gateway or another program answers on server.admin_listen ({address}): it did not prove that it knows"
            " this configuration's admin token, so the token was not sent. Stop it (a gateway of an earlier version too), or set"
            " another address. Run commands where the gateway itself listens, not through a forwarded port",
            MISUSED,
        )


class _Proven(msgspec.Struct):
    proof: Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{64}$(?!\n)")]


def _bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def _session(base_url: str, connector: "aiohttp.BaseConnector | None" = None) -> "aiohttp.ClientSession":
    import aiohttp

    return aiohttp.ClientSession(
        base_url,
        connector=connector,
        headers={"X-Operator": re.sub(r"[^A-Za-z0-9._-]", "_", _user())[:50]},
        timeout=aiohttp.ClientTimeout(total=None, sock_connect=_CONNECT_SECONDS),
        cookie_jar=aiohttp.DummyCookieJar(),
        json_serialize=lambda body: as_json(body).decode(),
        read_bufsize=1 << 20,  # a line of the audit log is one event, however long its trace
    )


def _user() -> str:
    """The name of the user who runs the command. In a container, a user may be only a number."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return str(os.getuid())


def as_json(value: object) -> bytes:
    """Escapes what UTF-8 cannot hold, so that the listener can refuse it."""
    try:
        return msgspec.json.encode(value)
    except UnicodeEncodeError:
        return json.dumps(value).encode()


def _given(query: Mapping[str, object]) -> dict[str, str]:
    written = {True: "true", False: "false"}
    return {
        name: written[value] if isinstance(value, bool) else str(value)
        for name, value in query.items()
        if value not in (None, "")
    }


def _failure(status: int, answer: bytes) -> Failure:
    try:
        problem = msgspec.json.decode(answer, type=dict[str, Any])
        text = "\n".join((f"{problem['code']}: {problem['detail']}", *_told(problem.get("problems", ()))))
    except (msgspec.DecodeError, KeyError):
        return Failure(f"the admin listener answered {status} without JSON; is it another program's?")
    if problem["code"] == "unauthorized":
        return Failure(
            "the gateway refused this configuration's admin token. Was its operator removed or given another token,"
            " or does another gateway answer on server.admin_listen?",
            MISUSED,
        )
    return Failure(text, MISUSED if status in _USAGE else REFUSED, problem["code"])


def _told(problems: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """What is wrong with a rule file, one line each."""
    for one in problems:
        yield f"line {one['line']}: {one['path']}: {one['message']} ({one['remedy']})"
