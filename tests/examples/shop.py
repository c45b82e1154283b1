"""A gateway with a small shop in it, where every operation of the admin API has something to show or to change."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import re
import time
from collections.abc import AsyncGenerator, Mapping
from pathlib import Path
from typing import Any
from unittest.mock import patch

from gateway.app import workers
from gateway.clock import DAY, HOUR
from gateway.demo.clock import ShopClock
from gateway.demo.crm import listening_crm
from gateway.ids import read
from gateway.model import Caller, DelayJob, GrantDue
from gateway.store.queries.jobs import job as stored_job
from gateway.store.row_digests import row_key
from gateway.usecases.backoff import MOST_FAILURES
from gateway.workers.archive import Archiver
from gateway.workers.jobs import JobWorker
from tests.support.running_gateway import ADMIN_TOKEN, RunningGateway, serving_gateway, settings
from tests.support.suggestions import leave_suggestion

SETTINGS = """
[[webhook]]
name = "crm"
url = "http://127.0.0.1:{port}/"
secret = "a-secret-of-the-webhook-012345"
events = ["profile.created", "profile.merged"]
allow_private = true
[limits]
failures_per_minute = 1000
"""
RULES = """\
[rules]
schema = 1
version = "shop-2"
activation = "immediate"

[identifier.email]
kind = "email"
strength = 70
fanout_limit = 5

[identifier.mobile]
kind = "phone"
strength = 80
fanout_limit = 5

[[rule]]
name = "mobile"
all_of = ["mobile"]
"""
BY_HAND = {"rule": "operator", "reason": "the wrong list was merged"}
_SHOWN = {"archive": "/var/lib/gateway/archive", "key": "Q2hpbm9r"}
_ID = re.compile(r"[a-z]{3}_[0-9a-f]{16}")


class Shop:
    """`names` are those of what is in the shop; an example says `$name` for the value. `token` is a steward's."""

    def __init__(self, gateway: RunningGateway) -> None:
        self.gateway = gateway
        self.names: dict[str, str] = {}
        self.token = ""

    def resolved(self, value: Any) -> Any:
        """The value with what its names stand for here."""
        return put_names(value, self.names)

    async def ask(self, method: str, path: str, body: Any = None, token: str = ADMIN_TOKEN) -> Any:
        url = f"{self.gateway.admin_url}/admin/v1/{path}"
        headers = {"Authorization": f"Bearer {token}"}
        async with self.gateway.client.request(method, url, json=body, headers=headers) as answer:
            assert answer.status < 300, await answer.text()
            return await answer.json()

    async def first(self, path: str) -> Any:
        """The newest of a list."""
        return (await self.ask("GET", path))["items"][0]

    async def save(self, channel: str, customer_id: str, name: str, **says: str) -> str:
        """The profile's id."""
        body = {"customerId": customer_id, "customerAttributes": {"displayName": name}, **says}
        async with self.gateway.call("POST", "customers", channel=channel, json=body) as answer:
            assert answer.status == 200, await answer.text()
        return (await self.first(f"profiles?customer_id={customer_id}"))["id"]

    async def report(self, customer_id: str, campaign: int) -> None:
        body = {"customerId": customer_id, "challengeId": campaign}
        async with self.gateway.call("POST", "customers/social-challenges", json=body) as answer:
            assert answer.status == 202, await answer.text()


def put_names(value: Any, names: Mapping[str, str]) -> Any:
    match value:
        case str() if value.startswith("$"):
            return names[value[1:]]
        case dict():
            return {key: put_names(one, names) for key, one in value.items()}
        case list():
            return [put_names(one, names) for one in value]
        case _:
            return value


def shown_as(name: str, value: str) -> str:
    """What the document shows for a value of the shop: always the same, though ids and directories differ each time."""
    if name in _SHOWN:
        return _SHOWN[name]
    digits = hashlib.sha256(name.encode()).hexdigest()
    if _ID.fullmatch(value):
        return f"{value[:4]}018f{digits[:12]}"
    return digits[: len(value)] if re.fullmatch(r"[0-9a-f]{16,64}", value) else value


@contextlib.asynccontextmanager
async def open_shop(directory: Path) -> AsyncGenerator[Shop]:
    """Its past is three days long. Jobs do nothing by themselves, so that one is under way for as long as it is looked at."""
    worker, workers.JobWorker = workers.JobWorker, _IdleWorker
    clock = ShopClock(time.time_ns() // 1_000_000 - 3 * DAY)
    environment = {"GATEWAY_ADMIN_TOKEN": ADMIN_TOKEN}
    try:
        async with listening_crm() as port:
            text = settings(directory, SETTINGS.format(port=port))
            async with serving_gateway(directory, text, environment, clock.clock) as gateway:
                shop = Shop(gateway)
                await _people(shop)
                await _questions(shop)
                await _shop_number(shop)
                await _suggestion(shop)
                await _staff(shop)
                await _keep_apart(shop)
                await _import(shop)
                await _archive(shop, directory, clock)
                await _under_way(shop)
                yield shop
    finally:
        workers.JobWorker = worker


class _IdleWorker(JobWorker):
    async def work(self, limit: int) -> bool:
        return False


async def _people(shop: Shop) -> None:
    names = shop.names
    names["ann"] = await shop.save("web", "w-1", "Ann Mansour", email="ann@example.com", mobile="01001234567")
    await shop.save("pos", "till-1", "Ann", mobile="01001234567")
    names["bob"] = await shop.save("web", "w-2", "Bob Hanna", email="bob@example.com")
    await shop.save("pos", "till-2", "Bob", mobile="01002345678")
    await shop.save("mobile", "app-2", "Bob Hanna", email="bob@example.com", mobile="01002345678")
    names["bob"] = (await shop.first("profiles?customer_id=app-2"))["id"]
    names["gone"] = await shop.save("web", "w-3", "Carl Gad", email="carl@example.com")
    for number, kind in enumerate(("eve", "eva", "dan", "dana", "lia", "lea")):
        names[kind] = await shop.save("web", f"w-4{number}", kind.title(), email=f"{kind}@example.com")
    for campaign in (11664, 99):
        await shop.report("w-1", campaign)
    await shop.gateway.services.pipeline.submit_background(GrantDue(10))
    names["ignored"] = (await shop.first("achievements?state=ignored"))["id"]
    names["granted"] = (await shop.first("achievements?state=granted"))["id"]
    detail = await shop.ask("GET", f"profiles/{names['ann']}")
    names["record"] = detail["records"][-1]["id"]
    other = await shop.ask("GET", f"profiles/{names['bob']}")
    names["other_record"] = other["records"][0]["id"]


async def _questions(shop: Shop) -> None:
    """One address and two numbers: the rules ask whether they are one person."""
    for number, kind in enumerate(("review", "accepted", "rejected")):
        family = f"family-{number}@example.com"
        for channel, mobile in (("web", f"0100999{number}001"), ("mobile", f"0100999{number}002")):
            await shop.save(channel, f"{channel}-5{number}", "Mona Fahmy", email=family, mobile=mobile)
        shop.names[kind] = (await shop.first("reviews?state=open"))["id"]


async def _shop_number(shop: Shop) -> None:
    """More customers than a number may have."""
    for number in range(6):
        await shop.save("web", f"w-8{number}", f"Guest {number}", mobile="01551110001")
    await shop.gateway.regroup()


async def _suggestion(shop: Shop) -> None:
    people = [await shop.ask("GET", f"profiles/{shop.names[one]}") for one in ("lia", "lea")]
    records = [one["records"][0]["id"] for one in people]
    shop.names["search"] = await leave_suggestion(shop.gateway.services, records)


async def _staff(shop: Shop) -> None:
    names = shop.names
    token = (await shop.ask("POST", "operators", {"name": "sam", "role": "steward"}))["token"]
    await shop.ask("POST", "operators", {"name": "nadia", "role": "viewer"})
    shop.token = token
    await shop.ask("POST", "lists/stores", {"values": ["+201550000001"]})
    names["key"] = (await shop.ask("POST", "keys", {"channel": "pos"}))["id"]
    names["rules"] = RULES
    await shop.ask("POST", "rules", {"text": RULES})
    await shop.ask("POST", "rules/plan", {"text": RULES})
    names["active"] = (await shop.ask("GET", "overview"))["rules"]
    pinned = [names["record"], names["other_record"]]
    await shop.ask("POST", "pins", {"records": pinned, "kind": "cannot", "reason": "two customers"})
    body = {"profiles": [names["dan"], names["dana"]], "reason": "one person"}
    names["merge"] = (await shop.ask("POST", "merges", body))["merge"]


async def _keep_apart(shop: Shop) -> None:
    """A split of many records, played with two."""
    tom, tim = [await shop.save("web", f"w-6{number}", name) for number, name in enumerate(("Tom", "Tim"))]
    joined = await shop.ask("POST", "merges", {"profiles": [tom, tim], "reason": "one person"})
    with patch("gateway.usecases.split.MOST_PAIRS", 0):
        body = {"mode": "all", "reason": "a number of the shop"}
        await shop.ask("POST", f"profiles/{joined['profile']}/split", body)
    (split,) = (await shop.ask("GET", "splits"))["items"]
    shop.names |= {"apart": joined["profile"], "split": split["id"]}


async def _import(shop: Shop) -> None:
    shop.names["import"] = import_id = "0123456789abcdef"
    rows = [
        [2, ["old-1", "01003456789"]],
        [3, ["", "01003456780"]],
        [4, ["old-2", "n/a"]],
        [5, ["old-3", "12"]],
    ]
    chunk = {"channel": "pos", "first_line": 1, "next_line": 6, "columns": ["customer_id", "mobile"]}
    await shop.ask("POST", f"imports/{import_id}/rows", {**chunk, "rows": rows, "last": True})


async def _archive(shop: Shop, directory: Path, clock: ShopClock) -> None:
    """The first day is archived; what came later could be."""
    services, place = shop.gateway.services, directory / "archive"
    place.mkdir()
    shop.names["archive"] = str(place)
    clock.go_to(services.clock.now() + 2 * HOUR)
    await services.store.maintain(100)
    await Archiver(services.store, services.checkpoint_key, place, "operator:sam").archive(
        services.clock.now()
    )
    await shop.save("web", "w-6", "Faten", email="faten@example.com")
    clock.go_to(services.clock.now() + DAY)
    await services.store.maintain(100)
    clock.catch_up()
    await shop.save("web", "w-7", "Gamal", email="gamal@example.com")


async def _under_way(shop: Shop) -> None:
    names, services = shop.names, shop.gateway.services
    await shop.save("web", "w-1", "Ann Mansour-Hanna", email="ann@example.com")
    names["session"] = (await shop.ask("POST", "sessions", token=shop.token))["id"]
    await shop.ask("POST", "merges/undo", {**BY_HAND, "expected": 1})
    worker = JobWorker(services.store, services.pipeline, services.clock, row_key(services.checkpoint_key))
    while await worker.work(10):
        pass
    body = {"profiles": [names["eve"], names["eva"]], "reason": "one person"}
    names["merge"] = (await shop.ask("POST", "merges", body))["merge"]
    names["job"] = (await shop.ask("POST", "merges/undo", {**BY_HAND, "expected": 1}))["job"]["id"]
    names["failed"] = await _failed_job(shop)
    async with asyncio.timeout(20):
        while len(dead := (await shop.ask("GET", "deliveries?state=dead"))["items"]) < 2:  # noqa: ASYNC110 - the worker sends them
            await asyncio.sleep(0.02)
    names["dead"], names["lost"] = dead[0]["id"], dead[1]["id"]
    await services.activity.store_counts()


async def _failed_job(shop: Shop) -> str:
    pipeline, store = shop.gateway.services.pipeline, shop.gateway.services.store
    begun = await shop.ask("POST", "reviews/reject", {"question": "points", "expected": 0})
    found = await stored_job(store, read("job", begun["job"]["id"]) or 0)
    assert found is not None
    for _ in range(MOST_FAILURES):
        caller = Caller("", "", "gateway", begun["job"]["id"], "gateway")
        await pipeline.submit(DelayJob(caller, found.job, "the end: KeyError"))
    return begun["job"]["id"]
