"""The gateway as a whole: what a start needs, and what it does not."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gateway.app.factories import make_store
from gateway.clock import SystemClock
from gateway.config import ConfigError, load

SEED = """
[rules]
schema = 1
version = "ours-1"
[identifier.email]
kind = "email"
strength = 70
fanout_limit = 5
[[rule]]
name = "email"
all_of = ["email"]
[merge]
survivor = ["oldest", "lowest_id"]
"""


def test_postgresql_without_its_driver_is_refused_with_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "config.toml"
    path.write_text('[store]\nurl = "postgresql://gateway@nowhere/x"\n')
    monkeypatch.setitem(sys.modules, "gateway.store.postgres", None)
    with pytest.raises(ConfigError, match=r"pip install .*\[postgres\]"):
        make_store(load(path, {}), SystemClock(), b"")


async def test_the_seed_is_read_only_while_the_database_holds_no_rule_set(
    start: Callable[..., Any], tmp_path: Path
) -> None:
    seed = tmp_path / "seed.toml"
    seed.write_text(SEED)
    settings = f'[rules]\nseed = "{seed}"\n'
    async with start(settings) as gateway:
        assert gateway.services.env.rules.version == "ours-1"
    seed.unlink()
    async with start(settings) as gateway:
        assert gateway.services.env.rules.version == "ours-1"
        assert await gateway.rows("SELECT count(*) FROM rule_activation") == [(1,)]


async def test_a_seed_that_cannot_be_used_is_named_with_every_problem(
    start: Callable[..., Any], tmp_path: Path
) -> None:
    seed = tmp_path / "seed.toml"
    seed.write_text(SEED.replace("schema = 1", "schema = 2").replace('"email"]', '"phone"]'))
    with pytest.raises(ConfigError) as refused:
        async with start(f'[rules]\nseed = "{seed}"\n'):
            pass
    assert len(refused.value.problems) >= 2
    for encoding, said in (("utf-16", "not UTF-8 text"), ("", "No such file")):
        seed.write_text(SEED, encoding) if encoding else seed.unlink()
        with pytest.raises(ConfigError, match=rf"rules\.seed: .*seed\.toml .*{said}"):
            async with start(f'[rules]\nseed = "{seed}"\n'):
                pass


async def test_each_start_points_back_to_the_chain_before_it(start: Callable[..., Any]) -> None:
    async with start():
        pass
    async with start() as gateway:
        first, second = await gateway.rows(
            "SELECT chain, detail FROM audit WHERE action = 'gateway.started' ORDER BY event_id"
        )
    assert first[0] != second[0]
    assert str(first[0]) in str(second[1])
