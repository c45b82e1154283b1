"""Anchors: what a database held stays provable outside it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from gateway.anchor import Anchor
from gateway.audit.anchored import Anchored
from gateway.store import Store

if TYPE_CHECKING:
    from tests.support.running_gateway import RunningGateway, Start


def _lines(path: Path) -> list[Anchored]:
    return [msgspec.json.decode(line, type=Anchored) for line in path.read_bytes().splitlines() if line]


async def _signed(store: Store) -> list[tuple[int, str]]:
    rows = await store.fetch("SELECT checkpoint_id, signature FROM audit_checkpoint ORDER BY checkpoint_id")
    return [(number, signature.hex()) for number, signature in rows]


def _places(path: Path) -> list[tuple[int, str]]:
    return [(line.checkpoint, line.signature) for line in _lines(path)]


async def test_every_signature_is_copied_once_also_that_of_the_end(start: Start, tmp_path: Path) -> None:
    path = tmp_path / "anchors"
    for _ in range(2):
        async with start(f'[audit]\nanchor = "file:{path}"\n') as gateway:
            signed = await _signed(gateway.services.store)
        places = _places(path)
        assert signed == places[: len(signed)]
        assert len(places) == len(set(places))
        assert '"ends":{"' in _lines(path)[-1].heads


async def test_a_line_that_was_torn_costs_no_other(gateway: RunningGateway, tmp_path: Path) -> None:
    path, store = tmp_path / "anchors", gateway.services.store
    await Anchor(f"file:{path}", store).catch_up()
    whole = path.read_bytes()
    path.write_bytes(whole[:-30])
    await Anchor(f"file:{path}", store).catch_up()
    lines = path.read_bytes().splitlines()
    assert set(whole.splitlines()) <= set(lines)


async def test_a_place_that_cannot_be_written_is_tried_again(gateway: RunningGateway, tmp_path: Path) -> None:
    missing = tmp_path / "not mounted"
    anchor = Anchor(f"file:{missing}/anchors", gateway.services.store)
    assert await anchor.step() > 1
    missing.mkdir()
    assert await anchor.step() == 1
    assert _places(missing / "anchors") == await _signed(gateway.services.store)
