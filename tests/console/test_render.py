"""Pages of the console that are made ready, and pages of a gateway with very many settings."""

from __future__ import annotations

import asyncio
from pathlib import Path

from gateway.http.console import render
from tests.support.running_gateway import ADMIN_TOKEN, serving_gateway, settings

TEMPLATES = {path.name for path in (Path(render.__file__).parent / "templates").iterdir()}
CAMPAIGN = '[[campaign]]\nid = {id}\nname = "Offer {id}"\npoints = 10\n'


async def test_the_first_page_makes_the_others_ready(tmp_path: Path) -> None:
    environment = render._ENVIRONMENT  # pyright: ignore[reportPrivateUsage]
    cache = environment.cache
    assert cache is not None
    cache.clear()
    render._compile_others.cache_clear()  # pyright: ignore[reportPrivateUsage]
    async with serving_gateway(tmp_path, settings(tmp_path), {"GATEWAY_ADMIN_TOKEN": ADMIN_TOKEN}) as gateway:
        assert not cache.keys()
        async with gateway.client.get(f"{gateway.admin_url}/console/log-in") as page:
            assert page.status == 200
        async with asyncio.timeout(20):
            while {name for _, name in list(cache.keys())} != TEMPLATES:  # noqa: ASYNC110 - a thread does it
                await asyncio.sleep(0.01)


async def test_the_page_of_the_system_shows_as_many_settings_and_key_pairs_as_it_has_room_for(
    tmp_path: Path,
) -> None:
    campaigns = "".join(CAMPAIGN.format(id=number) for number in range(1, 401))
    text = settings(tmp_path, campaigns=campaigns)
    async with serving_gateway(tmp_path, text, {"GATEWAY_ADMIN_TOKEN": ADMIN_TOKEN}) as gateway:
        for number in range(41):
            async with gateway.admin("POST", "keys", json={"channel": "pos"}) as issued:
                assert issued.status == 201, number
                key = (await issued.json())["id"]
            async with gateway.admin("DELETE", f"keys/{key}") as revoked:
                assert revoked.status == 200
        headers = {"Authorization": f"Bearer {ADMIN_TOKEN}"}
        async with gateway.client.get(f"{gateway.admin_url}/console/system", headers=headers) as page:
            shown = await page.text()
    assert len(shown.encode()) <= 100_000
    assert "more settings are in the JSON of this page." in shown
    assert "Older key pairs are in the API" in shown
