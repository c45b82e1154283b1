"""Runs `gateway` commands in the test's process, on settings of their own or beside a running gateway."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from gateway.cli import run
from gateway.model import Achieve, Caller, SaveCustomer
from rules.identifier import Evidence, Identifier

if TYPE_CHECKING:
    from tests.support.running_gateway import RunningGateway


MASTER_SECRET = "a-master-secret-of-32-characters"
SETTINGS = """
[server]
listen = "127.0.0.1:0"
admin_listen = "{admin}"
[store]
url = "sqlite:///{directory}/gateway.db"
min_free_disk = "0B"
[[channel]]
name = "web"
default_region = "EG"
[[channel]]
name = "pos"
default_region = "EG"
"""


class Shell:
    """Runs commands on one configuration and keeps what they said."""

    def __init__(self, config: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.config = config
        self.capsys = capsys
        self.out = self.err = ""

    def __call__(self, *words: str, code: int = 0) -> str:
        self.capsys.readouterr()
        arguments = list(words) if words[:2] == ("rules", "check") else [*words, "--config", str(self.config)]
        ended = run(arguments)
        self.out, self.err = self.capsys.readouterr()
        assert ended == code, (ended, self.out, self.err)
        assert "Traceback" not in self.err
        return self.out

    def json(self, *words: str, code: int = 0) -> Any:
        return json.loads(self(*words, "--json", code=code))


async def bring_till_customer(gateway: RunningGateway) -> None:
    """A customer of the till, with an accepted achievement."""
    caller = Caller("pos", "pos", "channel:pos", "req_till")
    evidence = (Evidence(Identifier("mobile", "+201001234567")),)
    await gateway.services.pipeline.submit(SaveCustomer(caller, "till-1", evidence))
    await gateway.services.pipeline.submit(Achieve(caller, "till-1", 11664))
