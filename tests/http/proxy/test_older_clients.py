"""What clients of versions 1 to 3 send, through the gateway and directly to the platform: no difference but the ids, and the
hashes that are made of them."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
from yarl import URL

from tests.support.forwarding import forwarding
from tests.support.loyalty_platform import API_KEY, SECRET_KEY, Platform, Seen
from tests.support.public_api import ask

if TYPE_CHECKING:
    import aiohttp

    from tests.support.running_gateway import RunningGateway, Start

CANONICAL, OWN = "c-17", "4711"
MAIL, TEL = "ann@example.com", "+201001234567"
OUR_SECRET = "pos-secret-key-0123456789"


class Line(NamedTuple):
    client: str
    keys: str
    method: str
    target: str
    body: str

    def filled(self, customer_id: str, secret: str) -> tuple[str, Any]:
        """Target and body for one customer and key; a hash is written as what it is made of between the two."""
        target, body = (
            text.replace("@", customer_id).replace("MAIL", MAIL).replace("TEL", TEL)
            for text in (self.target, self.body)
        )
        value = json.loads(body) if body else None
        _sign(value, customer_id, secret)
        return target, value

    def headers(self, api_key: str, secret: str) -> dict[str, str]:
        return {"APIKey": api_key} | ({"secretKey": secret} if "S" in self.keys else {})


def _sign(value: Any, customer_id: str, secret: str) -> None:
    for members in (value, value.get("pointsTransaction")) if isinstance(value, dict) else ():
        if isinstance(members, dict) and "hash" in members:
            text = f"{customer_id}{members['hash']}:{secret}"
            members["hash"] = hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()


LINES = [
    Line(*[*line.split(" ", 4), ""][:5])
    for line in Path(__file__).with_name("older_calls.txt").read_text().splitlines()
    if not line.startswith("#")
]


async def one_person(gateway: RunningGateway) -> None:
    """`c-17` on the web, which came first, and `4711` at the till."""
    for channel, customer_id in (("web", CANONICAL), ("pos", OWN)):
        body = {"customerId": customer_id, "email": MAIL, "mobile": TEL}
        assert (await ask(gateway, "POST", "customers", channel=channel, json=body)).status == 200


async def send(client: aiohttp.ClientSession, url: str, line: Line, keys: dict[str, str], value: Any) -> Any:
    options = {} if value is None else {"json": value}
    async with client.request(line.method, URL(url, encoded=True), headers=keys, **options) as answer:
        return answer.status, await answer.json(content_type=None), answer.headers.get("X-Gateway-Warnings")


async def test_an_older_client_sees_no_difference(start: Start, platform: Platform) -> None:
    """With the api key alone, an e-mail in the id's place leads to the person behind it only for callers who may state that."""
    platform.limits = False
    async with forwarding(start, platform, more='[trust]\npublic = "state"') as gateway:
        await _compare_all(gateway, platform)


async def _compare_all(forward: RunningGateway, platform: Platform) -> None:
    await one_person(forward)
    person = platform.customers[CANONICAL]
    for line in LINES:
        platform.customers = {CANONICAL: person}
        target, value = line.filled(OWN, OUR_SECRET)
        keys = line.headers("pos-api-key-0123456789", OUR_SECRET)
        through = await send(forward.client, forward.url + target, line, keys, value)
        _assert_sent(platform.seen[-1], line)
        platform.customers = {OWN: person}
        target, value = line.filled(OWN, SECRET_KEY)
        keys = line.headers(API_KEY, SECRET_KEY)
        directly = await send(forward.client, platform.url + target, line, keys, value)
        for _, answer, _ in (through, directly):
            if isinstance(answer, dict):
                answer.pop("hash", None)
        assert through == directly, line
        assert through[0] == (404 if "/Bots/Task" in target else 200), line


def _assert_sent(seen: Seen, line: Line) -> None:
    target, value = line.filled(CANONICAL, SECRET_KEY)
    for address in (f"player/{MAIL}", f"player/{TEL}", f"notifications/{MAIL}"):
        target = target.replace(address, f"{address.partition('/')[0]}/{CANONICAL}")
    assert (seen.method, seen.raw_path) == (line.method, target), line
    assert (json.loads(seen.body) if seen.body else None) == value, line
    assert seen.headers["apikey"] == API_KEY
    shown = "S" in line.keys or line.target.endswith("/BotSettings")
    assert seen.headers.get("secretkey") == (SECRET_KEY if shown else None), line
    assert "pos-" not in str(seen.headers) + seen.body.decode()


MENTIONING = [
    ("player", {"playerUniqueId": "eve", "playerUniqueIds": [f"x-{number}" for number in range(999)]}),
    ("player?playerUniqueId=bob", {"playerUniqueId": "eve"}),
    ("order", {"playerUniqueId": "eve", "extra": {"customerId": "bob", "email": MAIL}}),
    ("event", {"events": {"invite": {"playerUniqueId": "bob"}}, "playerUniqueId": "eve"}),
    ("action", {"playerUniqueId": "eve", "customerId": "bob"}),
]


@pytest.mark.parametrize("keys", [{}, {"secretkey": ""}], ids=["back end", "api key alone"])
async def test_a_customer_who_is_only_mentioned_is_not_made(
    forward: RunningGateway, platform: Platform, subtests: pytest.Subtests, keys: dict[str, str]
) -> None:
    """Else a call with the api key alone could make a thousand."""
    for path, body in MENTIONING:
        with subtests.test(path):
            url = f"{forward.url}/api/v3.0/integrations/{path}"
            async with forward.client.post(url, headers=forward.keys("pos") | keys, json=body) as answer:
                assert answer.status == 200
            assert await forward.rows("SELECT customer_id FROM record") == [("eve",)]
            assert platform.seen[-1].json == body


async def test_the_hash_in_an_answer_is_the_channels_own(forward: RunningGateway) -> None:
    await one_person(forward)
    line = next(line for line in LINES if line.client == "php2")
    target, value = line.filled(OWN, OUR_SECRET)
    _, answer, _ = await send(
        forward.client, forward.url + target, line, line.headers("pos-api-key-0123456789", ""), value
    )
    assert answer["hash"] == value["hash"]


@pytest.mark.parametrize("secret", ["web-secret-key-0123456789", SECRET_KEY, ""])
async def test_a_hash_made_with_another_key_is_not_replaced(
    forward: RunningGateway, platform: Platform, secret: str
) -> None:
    """The platform's key vouches for those alone who have the channel's."""
    await one_person(forward)
    line = next(line for line in LINES if line.client == "php2")
    target, value = line.filled(OWN, secret)
    status, _, warnings = await send(
        forward.client, forward.url + target, line, line.headers("pos-api-key-0123456789", ""), value
    )
    assert (status, warnings) == (401, "hash:unchecked")
    assert platform.seen[-1].json == value | {"playerUniqueId": CANONICAL}


async def test_without_the_secret_key_the_platforms_own_stays_here(
    forward: RunningGateway, platform: Platform
) -> None:
    await one_person(forward)
    url = f"{forward.url}/api/v3.0/integrations/player/{OWN}/balance"
    for keys in ({}, {"secretkey": "nobodys-secret-key-0123456789"}):
        async with forward.client.get(url, headers={"APIKey": "pos-api-key-0123456789"} | keys) as answer:
            assert answer.status == 401
        assert "secretkey" not in platform.seen[-1].headers


@pytest.mark.parametrize(
    ("minimum", "version", "status"),
    [
        ("v1.0", "v1.0", 200),
        ("v2.0", "v1.0", 403),
        ("v2.0", "v2.0", 200),
        ("v3.0", "v2.0", 403),
        ("v3.0", "v3", 200),
        ("v4.0", "v3.0", 403),
        ("v4.1", "v3.0", 403),
    ],
)
async def test_the_minimum_version_counts_for_older_clients_too(
    start: Start, platform: Platform, minimum: str, version: str, status: int
) -> None:
    async with forwarding(start, platform, more=f'[api]\nminimum_version = "{minimum}"') as gateway:
        url = f"{gateway.url}/api/{version}/integrations/config"
        async with gateway.client.get(url, headers=gateway.keys("pos")) as answer:
            assert answer.status == status


async def test_an_address_in_the_ids_place_leads_to_one_person_only(
    forward: RunningGateway, platform: Platform
) -> None:
    """A stranger's goes on in its normal form, as the platform would look for it."""
    await one_person(forward)
    for segment, sent in (
        ("ANN@example.com", CANONICAL),
        ("%2B20%20100%20123%204567", CANONICAL),
        ("Ben@Example.com", "ben%40example.com"),
        ("+20 100 999 9999", "%2B201009999999"),
        ("no@mail@at.all", "no%40mail%40at.all"),
        (OWN, CANONICAL),
    ):
        url = URL(f"{forward.url}/api/v3.0/integrations/player/{segment}", encoded="%" in segment)
        async with forward.client.get(url, headers=forward.keys("mobile")) as answer:
            told = await answer.json()
        assert platform.seen[-1].raw_path.rpartition("/")[2] == (sent if segment != OWN else OWN), segment
        assert sent == CANONICAL or answer.status == 404
        assert CANONICAL not in str(told) or segment == OWN


async def test_a_base_url_that_ends_in_a_slash_makes_no_difference(
    forward: RunningGateway, platform: Platform
) -> None:
    """The Ruby library's own does, and it joins `/api` to it."""
    await one_person(forward)
    for start, status in (("//api", 200), ("///api", 400), ("//customers", 400), ("/api//", 400)):
        url = URL(f"{forward.url}{start}/v3.0/integrations/player/{OWN}", encoded=True)
        async with forward.client.get(url, headers=forward.keys("pos")) as answer:
            assert answer.status == status, start
    assert platform.seen[-1].raw_path == f"/api/v3.0/integrations/player/{CANONICAL}"
