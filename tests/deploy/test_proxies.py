"""The examples for nginx and HAProxy, run as they are but for names, ports and certificates: real ones, with TLS, in front of a
real gateway."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import ssl
import subprocess
from collections.abc import AsyncGenerator, Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import aiohttp
import pytest
from yarl import URL

from tests.support.certificates import write_certificate
from tests.support.forwarding import forwarding

if TYPE_CHECKING:
    from tests.support.loyalty_platform import Platform
    from tests.support.running_gateway import RunningGateway, Start

DEPLOY = Path(__file__).parents[2] / "deploy"
PUBLIC, ADMIN = "loyalty.example.com", "gateway-admin.example.com"
FAR_AWAY = ("127.0.0.9", 0)
"""Where the client calls from, so that its address is not the proxy's."""
BEHIND_A_PROXY = (
    '[server]\nlisten = "127.0.0.1:0"\nadmin_listen = "127.0.0.1:0"\n'
    f'trusted_proxies = ["127.0.0.1/32"]\nallowed_hosts = ["{ADMIN}"]\n'
)


class Calling:
    """Calls both names through a proxy, and trusts its certificate only."""

    def __init__(self, session: aiohttp.ClientSession, ports: tuple[int, int]) -> None:
        self.session = session
        self._ports: dict[str, int] = dict(zip((PUBLIC, ADMIN), ports, strict=True))

    async def get(self, host: str, path: str, **headers: str) -> int:
        url = URL(f"https://127.0.0.1:{self._ports[host]}{path}", encoded=True)
        async with self.session.get(url, headers={"Host": host, **headers}, server_hostname=host) as answer:
            return answer.status


@contextlib.asynccontextmanager
async def calling(directory: Path, ports: tuple[int, int]) -> AsyncGenerator[Calling]:
    connector = aiohttp.TCPConnector(
        ssl=ssl.create_default_context(cafile=str(directory / f"{PUBLIC}.pem")), local_addr=FAR_AWAY
    )
    async with aiohttp.ClientSession(connector=connector) as session:
        yield Calling(session, ports)


@contextlib.contextmanager
def sockets() -> Iterator[list[socket.socket]]:
    """Two that listen already, so that nothing has to be waited for."""
    with socket.create_server(("127.0.0.1", 0)) as one, socket.create_server(("127.0.0.1", 0)) as other:
        yield [one, other]


@contextlib.contextmanager
def running(command: list[str], listeners: list[socket.socket], **environment: str) -> Iterator[None]:
    process = subprocess.Popen(
        command,
        pass_fds=[one.fileno() for one in listeners],
        env={**os.environ, **environment},
        stdout=subprocess.DEVNULL,
    )
    for one in listeners:
        one.close()  # so that a proxy that ended is not waited for
    try:
        yield
    finally:
        process.terminate()
        process.wait(10)


def program(name: str) -> str:
    found = shutil.which(name, path=f"{os.environ['PATH']}:/usr/sbin")
    assert found, f"{name} is missing; `make test` installs it, or: sudo apt-get install {name}"
    return found


@contextlib.contextmanager
def nginx(directory: Path, gateway: RunningGateway) -> Iterator[tuple[int, int]]:
    text = (DEPLOY / "nginx/gateway.conf").read_text()
    with sockets() as listeners:
        public, admin = (one.getsockname()[1] for one in listeners)
        for written, real in {
            "listen 443 ssl": f"listen 127.0.0.1:{public} ssl",
            "listen 8443 ssl": f"listen 127.0.0.1:{admin} ssl",
            "/etc/nginx/tls": str(directory),
            "server 127.0.0.1:8080": f"server {gateway.url.removeprefix('http://')}",
            "server 127.0.0.1:8081": f"server {gateway.admin_url.removeprefix('http://')}",
            "allow 10.0.0.0/8": f"allow {FAR_AWAY[0]}",
        }.items():
            assert written in text
            text = text.replace(written, real)
        places = "".join(
            f"{name}_temp_path {directory}/{name};"
            for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        )
        config = directory / "nginx.conf"
        config.write_text(
            f"daemon off; user root root; pid {directory}/pid; error_log stderr error; events {{ }}"
            f" http {{ access_log off; {places} {text} }}"
        )
        handles = "".join(f"{one.fileno()};" for one in listeners)
        command = [program("nginx"), "-p", str(directory), "-c", str(config), "-e", "stderr"]
        with running(command, listeners, NGINX=handles):
            yield public, admin


@contextlib.contextmanager
def haproxy(directory: Path, gateway: RunningGateway) -> Iterator[tuple[int, int]]:
    text = (DEPLOY / "haproxy/haproxy.cfg").read_text()
    admin_port = gateway.admin_url.rpartition(":")[2]
    with sockets() as listeners:
        for written, real in {
            "bind :443": f"bind fd@{listeners[0].fileno()}",
            "/etc/haproxy/tls": str(directory),
            "10.0.0.11:8080 port 8081": f"{gateway.url.removeprefix('http://')} port {admin_port}",
            "10.0.0.12:8080 port 8081": f"127.0.0.1:1 port {admin_port} disabled",
        }.items():
            assert written in text
            text = text.replace(written, real)
        config = directory / "haproxy.cfg"
        config.write_text(text)
        public = listeners[0].getsockname()[1]
        with running([program("haproxy"), "-db", "-f", str(config)], listeners):
            yield public, 0


PATH = "/api/v4.1/integrations/customers/a%252Fb%20c/balance"


@pytest.mark.parametrize("proxy", [nginx, haproxy])
async def test_calls_pass_byte_for_byte_with_the_address_that_the_proxy_saw(
    start: Start,
    platform: Platform,
    tmp_path: Path,
    proxy: Callable[[Path, RunningGateway], contextlib.AbstractContextManager[tuple[int, int]]],
) -> None:
    write_certificate(tmp_path, PUBLIC, ADMIN)
    async with forwarding(start, platform, more=BEHIND_A_PROXY) as gateway:
        with proxy(tmp_path, gateway) as ports:
            async with calling(tmp_path, ports) as client:
                headers = {**gateway.keys("web"), "X-Forwarded-For": "6.6.6.6"}
                assert await client.get(PUBLIC, PATH, **headers) in (200, 404)
                assert await client.get(PUBLIC, PATH) == 401
    (seen,) = platform.seen
    assert seen.headers.getall("X-Forwarded-For") == [FAR_AWAY[0]]
    assert seen.raw_path == PATH


async def test_operators_come_in_by_the_proxys_name(start: Start, tmp_path: Path) -> None:
    write_certificate(tmp_path, PUBLIC, ADMIN)
    async with start(BEHIND_A_PROXY) as gateway:
        with nginx(tmp_path, gateway) as ports:
            async with calling(tmp_path, ports) as client:
                token = "Bearer admin-token-0123456789"
                assert await client.get(ADMIN, "/readyz") == 200
                assert await client.get(ADMIN, "/admin/v1/keys", Authorization=token) == 200
                assert await client.get(ADMIN, "/admin/v1/keys") == 401
                assert await client.get(ADMIN, "/readyz", Host="evil.example") == 421
