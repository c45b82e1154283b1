"""Three machines on one network: network namespaces behind a bridge. Where these are not allowed, three loopback addresses, which
cannot be disconnected."""

import contextlib
import random
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

NODES = 3
_FIRST = 11
_TRIES = 3


@dataclass(slots=True, frozen=True)
class Network:
    """`subnet` holds the machines and their clients. `namespaces` is empty on loopback."""

    addresses: tuple[str, ...]
    subnet: str
    namespaces: tuple[str, ...] = ()

    @property
    def can_be_cut(self) -> bool:
        return bool(self.namespaces)

    def on(self, node: int, command: Sequence[str]) -> list[str]:
        """The command, as it runs on that machine."""
        return [*(("ip", "netns", "exec", self.namespaces[node]) if self.namespaces else ()), *command]

    def cut(self, node: int) -> None:
        """Nothing passes between this machine and the other two, and nothing says so. All others reach all three."""
        self._rules(node, "-A")

    def mend(self, node: int) -> None:
        self._rules(node, "-D")

    def _rules(self, node: int, verb: str) -> None:
        for other in set(self.addresses) - {self.addresses[node]}:
            for chain, side in (("INPUT", "-s"), ("OUTPUT", "-d")):
                _run(*self.on(node, ("iptables", "-w", verb, chain, side, other, "-j", "DROP")))


@contextlib.contextmanager
def network() -> Iterator[Network]:
    with contextlib.ExitStack() as stack:
        for number in random.sample(range(1, 255), _TRIES):
            try:
                made = _namespaces(stack, number)
            except (OSError, subprocess.CalledProcessError):  # not allowed, or another run has this number
                stack.close()
            else:
                break
        else:
            made = _on_loopback()
        yield made


def _on_loopback() -> Network:
    number = random.randint(1, 254)
    return Network(tuple(f"127.{number}.0.{_FIRST + node}" for node in range(NODES)), "127.0.0.0/8")


def can_be_cut() -> bool:
    """Whether namespaces are allowed."""
    with network() as one:
        return one.can_be_cut


def _namespaces(stack: contextlib.ExitStack, number: int) -> Network:
    bridge, subnet = f"gw{number}", f"10.213.{number}"
    _run("ip", "link", "add", bridge, "type", "bridge")
    stack.callback(_run, "ip", "link", "delete", bridge)
    _run("ip", "address", "add", f"{subnet}.1/24", "dev", bridge)
    _run("ip", "link", "set", bridge, "up")
    names = tuple(f"gw{number}-{node}" for node in range(NODES))
    for node, name in enumerate(names):
        _run("ip", "netns", "add", name)
        stack.callback(_run, "ip", "netns", "delete", name)
        ours = f"gw{number}v{node}"
        _run("ip", "link", "add", ours, "type", "veth", "peer", "name", "eth0", "netns", name)
        _run("ip", "link", "set", ours, "master", bridge, "up")
        within = ("ip", "-netns", name)
        _run(*within, "address", "add", f"{subnet}.{_FIRST + node}/24", "dev", "eth0")
        _run(*within, "link", "set", "eth0", "up")
        _run(*within, "link", "set", "lo", "up")
    return Network(tuple(f"{subnet}.{_FIRST + node}" for node in range(NODES)), f"{subnet}.0/24", names)


def _run(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True)
