"""The three machines together, behind HAProxy."""

import asyncio
import contextlib
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import asyncpg

from tests.support.cluster.network import NODES, Network, network
from tests.support.cluster.node import DEPLOY, PASSWORD, POSTGRES_PORT, Node, installed, written_for
from tests.support.postgresql import programs

_WHOLE_SECONDS = 90.0
_SMALL_LAG = range(1 << 20)


class Cluster:
    """`url` leads to whichever server takes writes."""

    def __init__(self, net: Network, nodes: list[Node], port: int) -> None:
        self.network = net
        self.nodes = nodes
        self.url = f"postgresql://gateway:{PASSWORD}@127.0.0.1:{port}/gateway"

    @property
    def direct_url(self) -> str:
        """Names all servers, without HAProxy."""
        hosts = ",".join(f"{node.address}:{POSTGRES_PORT}" for node in self.nodes)
        return f"postgresql://gateway:{PASSWORD}@{hosts}/gateway"

    def members(self) -> list[dict[str, Any]]:
        """As the primary sees them; none while it is not clear which one that is. Others may not have heard of the latest."""
        primaries = self._primaries()
        return primaries[0].seen() if len(primaries) == 1 else []

    def _primaries(self) -> list[Node]:
        return [node for node in self.nodes if node.is_primary()]

    @property
    def primary(self) -> Node:
        (primary,) = self._primaries()
        return primary

    @property
    def standby(self) -> Node:
        """The one that commits wait for."""
        (name,) = [member["name"] for member in self.members() if member["role"] == "sync_standby"]
        return next(node for node in self.nodes if node.name == name)

    def has_another_primary_than(self, former: Node) -> bool:
        return any(node is not former for node in self._primaries())

    def is_whole(self) -> bool:
        """A primary, a standby that its commits wait for, and another one, near enough to take over."""
        members = self.members()
        return (
            sorted(member["role"] for member in members) == ["leader", "replica", "sync_standby"]
            and all(member["state"] == "streaming" for member in members if member["role"] != "leader")
            and len({member.get("timeline") for member in members}) == 1
            and all(member.get("lag", 0) in _SMALL_LAG for member in members)
        )

    async def become_whole(self) -> None:
        """Raises TimeoutError when it does not."""
        await eventually(self.is_whole, _WHOLE_SECONDS)

    def switch_over(self) -> None:
        """As an operator does it."""
        leaving, coming = self.primary, self.standby
        leaving.control("switchover", "--force", "--leader", leaving.name, "--candidate", coming.name)

    async def make_database(self) -> None:
        """What the page about PostgreSQL says to do once."""
        url = f"postgresql://postgres:{PASSWORD}@{self.primary.address}:{POSTGRES_PORT}/postgres"
        connection = await asyncpg.connect(url)
        try:
            await connection.execute(f"CREATE ROLE gateway LOGIN PASSWORD '{PASSWORD}'")
            await connection.execute("CREATE DATABASE gateway OWNER gateway")
        finally:
            await connection.close()


async def eventually(condition: Callable[[], bool], seconds: float) -> None:
    """Come back when the condition holds, which is looked at in a thread. Raises TimeoutError when it does not."""
    async with asyncio.timeout(seconds):
        while not await asyncio.to_thread(condition):  # noqa: ASYNC110 - it holds in other processes
            await asyncio.sleep(0.1)


@asynccontextmanager
async def cluster() -> AsyncGenerator[Cluster]:
    """One that is whole, with an empty database."""
    found = programs()
    with contextlib.ExitStack() as stack:
        directory = _directory(stack)
        net = stack.enter_context(network())
        nodes = [Node(found, net, number, directory / f"{number}") for number in range(NODES)]
        for node in nodes:
            node.set_up()
            stack.callback(node.tear_down)
            node.start_etcd()
        for node in nodes:
            node.start_patroni()
        made = Cluster(net, nodes, _proxy(stack, net, directory))
        await made.become_whole()
        await made.make_database()
        yield made


def _directory(stack: contextlib.ExitStack) -> Path:
    """Readable for the user that PostgreSQL runs as, as the tests' own environment need not be."""
    directory = Path(tempfile.mkdtemp(prefix="gw-patroni-"))
    stack.callback(shutil.rmtree, directory)
    directory.chmod(0o755)
    shutil.copytree(Path(sys.prefix) / "patroni", directory / "python")
    return directory


def _proxy(stack: contextlib.ExitStack, net: Network, directory: Path) -> int:
    """HAProxy, and its port."""
    listener = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
    text = (DEPLOY / "haproxy.cfg").read_text()
    bind = {"bind 127.0.0.1:5000": f"bind fd@{listener.fileno()}"}
    config = directory / "haproxy.cfg"
    config.write_text(written_for(text, net, 0, bind))
    process = subprocess.Popen(
        [installed("haproxy"), "-db", "-f", str(config)],
        pass_fds=[listener.fileno()],
        stderr=subprocess.DEVNULL,
    )
    stack.callback(process.wait, 10)
    stack.callback(process.terminate)
    return listener.getsockname()[1]
