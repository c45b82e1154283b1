"""Every request that the platform publishes, sent to it directly and through the gateway: no difference but the ids."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
from yarl import URL

from tests.support.loyalty_platform import API_KEY, SECRET_KEY, Platform
from tests.support.public_api import until

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from tests.support.running_gateway import RunningGateway

CANONICAL, SENT = "ann", "till 7/ä"
EMAIL, MOBILE = "ann@example.com", "+201001234567"
VALUES: dict[str, Any] = {
    "email": EMAIL,
    "mobile": MOBILE,
    "text": "5 Stars \u00e9",
    "time": "2026-10-16T08:13:29.290Z",
    "number": 250.75,
    "integer": 7,
    "boolean": False,
    "object": {"write_review": {"product_id": "1653503260", "customer": CANONICAL}},
    "any": None,
}
OWN_ANSWER = "/customers/social-challenges"
NOT_COMPARED = {"date", "content-length", "x-request-id", "x-gateway-profile", "x-gateway-decision"}


class Published(NamedTuple):
    method: str
    path: str
    places: tuple[tuple[str, str], ...]

    def url(self, version: str, customer_id: str) -> str:
        path = self.path.replace("{customerId}", URL.build(path=f"/{customer_id}").raw_path[1:])
        path = path.replace("till%207/", "till%207%2F").replace("{", "some-").replace("}", "")
        query = "&".join(
            f"{place[1:]}={self._escaped(place, kind, customer_id)}"
            for place, kind in self.places
            if place.startswith("?")
        )
        return f"/api/{version}/integrations{path}{'?' + query if query else ''}"

    def _escaped(self, place: str, kind: str, customer_id: str) -> str:
        name = place.lower().endswith("customerid")
        value = customer_id if name else str(VALUES[kind]).lower()
        return URL.build(path="/", query={"v": value}).raw_query_string.removeprefix("v=")

    def body(self, customer_id: str, *, nulls: bool) -> Any:
        made: dict[str, Any] = {}
        for place, kind in self.places:
            if not place.startswith("?"):
                bare, optional = kind.removesuffix("?"), kind.endswith("?")
                value = customer_id if bare == "id" else VALUES[bare]
                _put(made, place.split("."), None if nulls and optional else value)
        return made or None


def _put(members: dict[str, Any], steps: list[str], value: Any) -> None:
    name, rest = steps[0], steps[1:]
    many = name.endswith("[]")
    name = name.removesuffix("[]")
    if not rest:
        members[name] = [value, value] if many else value
        return
    inner = members.setdefault(name, [{}] if many else {})
    _put(inner[0] if many else inner, rest, value)


def _read() -> list[Published]:
    groups: dict[str, list[str]] = {}
    found: list[Published] = []
    for line in Path(__file__).with_name("published_requests.txt").read_text().splitlines():
        words = line.split()
        if line.startswith("@"):
            groups[words[0]] = words[1:]
        elif not line.startswith("#"):
            method, path, *places = words
            places = [
                prefix + one
                for prefix, sign, group in (place.partition("@") for place in places)
                for one in (groups["@" + group] if sign else [""])
            ]
            pairs = (place.rpartition(":") for place in places)
            found.append(Published(method, path, tuple((place, kind) for place, _, kind in pairs)))
    return found


PUBLISHED = _read()


@pytest.fixture
async def reference() -> AsyncGenerator[Platform]:
    """The platform as clients see it without a gateway."""
    platform = Platform()
    platform.limits = False
    await platform.accept()
    yield platform
    await platform.refuse()


async def _begin(forward: RunningGateway, platform: Platform, reference: Platform) -> None:
    """On the web `ann`, at the till something else; both platforms know the same of her."""
    platform.customers.clear()
    for channel, customer_id in (("web", CANONICAL), ("pos", SENT)):
        body = {"customerId": customer_id, "email": EMAIL, "mobile": MOBILE}
        async with forward.call("POST", "customers", channel=channel, json=body) as answer:
            assert answer.status == 200
    for one in (platform, reference):
        one._batches.clear()
        one._accepted.clear()
        one._due.clear()
        one.seen.clear()
    reference.customers = copy.deepcopy(platform.customers)


async def _ask(
    client: Any, method: str, url: str, keys: dict[str, str], body: Any
) -> tuple[int, bytes, list[tuple[str, str]]]:
    options = {} if body is None else {"json": body}
    async with client.request(method, URL(url, encoded=True), headers=keys, **options) as answer:
        kept = [(name, value) for name, value in answer.headers.items() if name.lower() not in NOT_COMPARED]
        return answer.status, await answer.read(), sorted(kept)


@pytest.mark.parametrize("version", ["v4.0", "v4.1", "v4"])
async def test_whatever_is_published_gets_through_and_differs_in_the_ids_only(
    forward: RunningGateway, platform: Platform, reference: Platform, version: str
) -> None:
    assert len(PUBLISHED) == 74
    theirs = {"apikey": API_KEY, "secretkey": SECRET_KEY}
    for one in PUBLISHED:
        ways = [(one.body(who, nulls=False), who) for who in (CANONICAL, SENT)]
        if any(kind.endswith("?") for _, kind in one.places):
            ways += [(one.body(who, nulls=True), who) for who in (CANONICAL, SENT)]
        if one.path.startswith("/batch/"):
            ways += [(one.body(who, nulls=False)["body"], who) for who in (CANONICAL, SENT)]
        for (direct_body, _), (sent_body, _) in zip(ways[::2], ways[1::2], strict=True):
            await _begin(forward, platform, reference)
            direct = await _ask(
                forward.client, one.method, reference.url + one.url(version, CANONICAL), theirs, direct_body
            )
            url = forward.url + one.url(version, SENT)
            through = await _ask(forward.client, one.method, url, forward.keys("pos"), sent_body)
            assert direct[0] in (200, 202), (one, direct)
            assert through[0] == direct[0], (one, through)
            assert _named(through[1]) == _named(direct[1].replace(b'"ann"', json.dumps(SENT).encode())), one
            if one.path == OWN_ANSWER:
                await until(lambda: bool(platform.seen), 60)  # the gateway answers before it delivers
            else:
                assert through[2] == direct[2], one
                _assert_same_request(platform, reference)


def _assert_same_request(platform: Platform, reference: Platform) -> None:
    (seen,), (wanted,) = platform.seen, reference.seen
    assert (seen.method, seen.raw_path) == (wanted.method, wanted.raw_path)
    assert json.loads(seen.body or b"null") == json.loads(wanted.body or b"null")


def _named(raw: bytes) -> Any:
    return json.loads(raw) if raw else None
