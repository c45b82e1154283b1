"""A small shop, played through a whole gateway: what its operators find in it, and can do about it."""

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp

from gateway.demo.people import TABLETS
from gateway.demo.shop import ShopRun
from gateway.demo.visits import NEW_SHOP, SILENT

PEOPLE = 60


async def test_the_operators_of_the_shop_find_what_waits_for_them(tmp_path: Path) -> None:
    deaths: list[str] = []
    served: list[None] = []
    opening = ShopRun(tmp_path, PEOPLE, 1, deaths.append)
    async with (
        opening.open(lambda: served.append(None)) as shop,
        aiohttp.ClientSession(shop.admin_url) as session,
    ):
        assert len(served) == len(opening.visits)
        tokens = {operator.role: operator.token for operator in shop.operators}

        async def ask(role: str, method: str, path: str, body: object = None) -> Any:
            headers = {"Authorization": f"Bearer {tokens[role]}"}
            async with session.request(method, f"/admin/v1{path}", json=body, headers=headers) as answer:
                assert answer.status == 200, await answer.text()
                return await answer.json()

        overview = await ask("viewer", "GET", "/overview")
        assert overview["ready"]
        assert not overview["warnings"]
        assert overview["rules"] == "shop-1"
        assert sum(overview["waiting"]["reviews"].values()) > 0
        assert overview["waiting"]["dead"] > 0
        assert overview["waiting"]["generic_values"] == 1
        [value] = (await ask("viewer", "GET", "/generic-values"))["items"]
        body = {"values": [value["id"]]}
        assert (await ask("steward", "POST", "/lists/stores", body))["values"] == [NEW_SHOP]
        silent = {channel["name"]: channel["silent_seconds"] for channel in overview["channels"]}
        assert silent.pop("pos") >= SILENT // 1_000 > max(silent.values())

        sets = (await ask("viewer", "GET", "/rules"))["items"]
        begun = {one["version"]: datetime.fromisoformat(one["activated_at"]) for one in sets}
        assert timedelta(minutes=59) < begun["shop-1"] - begun["shop-2"] < timedelta(minutes=61)
        days = (await ask("viewer", "GET", "/merges/counts"))["days"]
        assert sum(day["merged"] for day in days if day["rule"] == "device") == PEOPLE // TABLETS
        [merge, *_] = (await ask("steward", "GET", "/merges?rule=device"))["items"]
        await ask("steward", "POST", f"/merges/{merge['id']}/undo", {"reason": "a tablet"})
        spike = {"rule": "device", "reason": "the till's tablets"}
        plan = await ask("steward", "POST", "/merges/undo", {**spike, "dry_run": True})
        assert plan["matched"] == PEOPLE // TABLETS - 1
        begun_undo = {**spike, "expected": plan["matched"]}
        job = (await ask("steward", "POST", "/merges/undo", begun_undo))["job"]
        while job["state"] == "running":
            job = await ask("viewer", "GET", f"/jobs/{job['id']}")
        assert (job["done"], job["refused"]) == (plan["matched"], 0)
        assert (await ask("viewer", "GET", "/merges?rule=device&state=standing"))["items"] == []

        [done] = (await ask("admin", "GET", "/imports"))["items"]
        assert done["state"] == "finished"
        assert done["unusable"]
        assert done["counts"]["rejected"] > 0
        async with session.get("/console/log-in") as page:
            assert page.status == 200
    assert not deaths
