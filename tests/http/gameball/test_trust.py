"""What the api key alone, and a session token, can do to others: nothing by default. Each attack has a control with the settings
under which it works."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.http.gameball.test_session import WITH_SESSIONS, send, token
from tests.support.public_api import achieve, ask, grant_all, save

if TYPE_CHECKING:
    from tests.support.public_api import Reply
    from tests.support.running_gateway import RunningGateway, Start

ANN, PHONE = "anna@example.com", "+201001234567"
OPEN = '[trust]\npublic = "state"\nsession = "state"'
PROFILES = "SELECT customer_id, profile_id FROM record ORDER BY record_id"


async def public(gateway: RunningGateway, method: str, path: str, **options: Any) -> Reply:
    """As a browser calls: v4.0, no secret key."""
    return await ask(gateway, method, path, version="v4.0", headers={"secretkey": ""}, **options)


async def say(gateway: RunningGateway, customer_id: str, **body: Any) -> Reply:
    return await public(gateway, "POST", "customers", json={"customerId": customer_id, **body})


async def strangers(gateway: RunningGateway) -> None:
    """Anna, known by her e-mail and with points, and Boris, known by his mobile."""
    await save(gateway, "anna", email=ANN, customerAttributes={"displayName": "Anna", "custom": {"shoe": 38}})
    await save(gateway, "boris", mobile=PHONE)
    await achieve(gateway, "anna")
    await grant_all(gateway)


async def balance(gateway: RunningGateway, customer_id: str) -> int:
    reply = await ask(gateway, "GET", f"customers/{customer_id}/balance")
    return reply.body["totalPointsBalance"]


async def together(gateway: RunningGateway, *customers: str) -> bool:
    profiles: dict[Any, Any] = dict(await gateway.rows(PROFILES))
    return len({profiles[one] for one in customers}) == 1


# ---- the attacks ----


@pytest.mark.parametrize(("settings", "joined"), [("", False), (OPEN, True)], ids=["default", "control"])
async def test_the_api_key_alone_joins_no_records(start: Start, settings: str, joined: bool) -> None:
    async with start(settings) as gateway:
        await strangers(gateway)
        reply = await say(gateway, "eve", email=ANN, mobile=PHONE, customerAttributes={"displayName": "Eve"})
        assert (reply.status, reply.body["customerId"]) == (200, "eve")
        assert ("X-Gateway-Profile" in reply.headers, "X-Gateway-Decision" in reply.headers) == (
            joined,
            joined,
        )
        assert await together(gateway, "anna", "boris") is joined
        assert await balance(gateway, "boris") == (100 if joined else 0)
        read = (await public(gateway, "GET", "customers/eve")).body["customerAttributes"]
        assert (read.get("custom") == {"shoe": 38}) is joined
        details = (await ask(gateway, "GET", "customers/anna/details")).body["customerAttributes"]
        assert details["displayName"] == ("Eve" if joined else "Anna")


@pytest.mark.parametrize(("settings", "joined"), [("", False), (OPEN, True)], ids=["default", "control"])
async def test_a_session_token_joins_no_records_by_an_email_that_the_app_states(
    start: Start, settings: str, joined: bool
) -> None:
    async with start(settings, channels=WITH_SESSIONS) as gateway:
        await save(gateway, "victim", email=ANN)
        url = f"{gateway.url}/api/v4.1/integrations/customers"
        headers = {"apikey": gateway.keys("mobile")["apikey"], "X-GB-TOKEN": token()}
        body = {"customerId": "ann", "email": ANN}
        async with gateway.client.post(url, json=body, headers=headers) as response:
            assert (response.status, "X-Gateway-Decision" in response.headers) == (200, joined)
        assert await together(gateway, "victim", "ann") is joined


@pytest.mark.parametrize(("settings", "spent"), [("", False), (OPEN, True)], ids=["default", "control"])
async def test_eight_posts_do_not_make_a_number_generic(start: Start, settings: str, spent: bool) -> None:
    async with start(settings) as gateway:
        await save(gateway, "boris", mobile=PHONE)
        for n in range(8):
            assert (await say(gateway, f"eve-{n}", mobile=PHONE)).status == 200
        (state,) = await gateway.rows("SELECT state, holders FROM identifier_owner WHERE value = ?", PHONE)
        assert state == (("generic", 9) if spent else ("normal", 1))
        await save(gateway, "till-7", channel="pos", mobile=PHONE)
        assert await together(gateway, "boris", "till-7") is not spent


# ---- what each may do ----


async def test_the_claims_of_a_token_count_as_statements_of_the_back_end(start: Start) -> None:
    async with start(channels=WITH_SESSIONS) as gateway:
        await save(gateway, "anna", email=ANN)
        reply = await send(gateway, token(customerEmail=ANN, customerMobile="not a number"))
        assert reply.status == 200
        assert await together(gateway, "anna", "ann")
        assert await gateway.rows("SELECT DISTINCT source FROM observation ORDER BY 1") == [
            ("backend",),
            ("session",),
        ]


@pytest.mark.parametrize("mobile", ["+201001234567", 201001234567, 201001234567.0])
async def test_a_mobile_number_in_a_token_may_be_a_number(start: Start, mobile: object) -> None:
    channels = WITH_SESSIONS.replace('name = "mobile"', 'name = "mobile"\ndefault_region = "EG"')
    async with start(channels=channels) as gateway:
        assert (await send(gateway, token(customerMobile=mobile))).status == 200
        said = await gateway.rows("SELECT type, value, source FROM observation")
        assert said == [("mobile", "+201001234567", "session")]


@pytest.mark.parametrize("claims", [{"customerEmail": 7}, {"customerMobile": []}, {"customerEmail": None}])
async def test_a_token_may_say_nothing_usable_of_its_customer(start: Start, claims: dict[str, Any]) -> None:
    async with start(channels=WITH_SESSIONS) as gateway:
        assert (await send(gateway, token(**claims))).status == 200
        assert await gateway.rows("SELECT * FROM observation") == []


async def test_the_secret_key_makes_a_call_the_back_ends_even_where_it_is_not_needed(start: Start) -> None:
    async with start() as gateway:
        for n, secret in enumerate((gateway.keys("web")["secretkey"], "wrong-secret-key-0123", "")):
            body = {"customerId": f"c{n}", "email": f"c{n}@x.eg"}
            headers = {"secretkey": secret}
            await ask(gateway, "POST", "customers", version="v4.0", headers=headers, json=body)
        assert await gateway.rows("SELECT value, source FROM observation") == [("c0@x.eg", "backend")]
        assert await gateway.rows("SELECT value, source FROM claim ORDER BY 1") == [
            ("c1@x.eg", "public"),
            ("c2@x.eg", "public"),
        ]


async def test_a_stranger_with_my_customer_id_overwrites_nothing_and_sees_my_record_alone(
    gateway: RunningGateway,
) -> None:
    """The platform shows as much to the api key alone; what the till knows is not on this record."""
    await save(gateway, "anna", email=ANN, customerAttributes={"displayName": "Anna"})
    till = {"custom": {"shoe": 38}}
    await save(gateway, "till-7", channel="pos", email=ANN, customerAttributes=till)
    reply = await say(
        gateway, "anna", mobile=PHONE, guest=True, customerAttributes={"displayName": "Eve", "city": "Giza"}
    )
    assert reply.status == 200
    details = (await ask(gateway, "GET", "customers/anna/details")).body["customerAttributes"]
    assert (details["displayName"], details.get("mobile"), details.get("city")) == ("Anna", None, None)
    assert details["custom"] == {"shoe": 38}
    read = await public(gateway, "GET", "customers/anna")
    assert not read.body["customerAttributes"].get("custom")
    assert "X-Gateway-Profile" not in read.headers


async def test_a_channel_may_ignore_what_all_others_may_claim(start: Start) -> None:
    channels = WITH_SESSIONS.replace('name = "web"', 'name = "web"\ntrust = { public = "ignore" }')
    async with start(channels=channels) as gateway:
        assert (await say(gateway, "eve", email=ANN)).status == 404
        await save(gateway, "anna", mobile=PHONE)
        assert (await say(gateway, "anna", email=ANN, customerAttributes={"city": "Giza"})).status == 200
        assert (
            await public(gateway, "POST", "customers", channel="mobile", json={"customerId": "eve"})
        ).status == 200
        assert await gateway.rows("SELECT * FROM claim") == []
        assert await gateway.rows("SELECT * FROM claimed_attribute") == []


async def test_an_operator_finds_claims_and_sees_who_said_what(gateway: RunningGateway) -> None:
    await save(gateway, "anna", email=ANN)
    await say(gateway, "eve", email=ANN, customerAttributes={"displayName": "Anna"})
    async with gateway.admin("GET", "profiles", params={"email": ANN}) as response:
        found = (await response.json())["items"]
    records = {one["records"][0]["customer_id"]: one["records"][0] for one in found}
    assert [one["source"] for one in records["anna"]["observations"]] == ["backend"]
    ((claimed),) = records["eve"]["claims"]
    assert (claimed["type"], claimed["value"], claimed["source"]) == ("email", ANN, "public")
    eve, anna = (
        next(p["id"] for p in found if p["records"][0]["customer_id"] == who) for who in ("eve", "anna")
    )
    async with gateway.admin("GET", f"profiles/{eve}") as response:
        shown = await response.json()
    assert shown["attributes"] == {}
    assert [(one["name"], one["value"], one["source"]) for one in shown["claimed_attributes"]] == [
        ("displayName", "Anna", "public")
    ]
    async with gateway.admin("GET", "explain", params={"a": anna, "b": eve}) as response:
        pair = await response.json()
    assert (pair["outcome"], [(one["type"], one["source"]) for one in pair["claimed"]]) == (
        "none",
        [("email", "public")],
    )
    async with gateway.admin("GET", f"profiles/{eve}/explain") as response:
        assert [one["type"] for one in (await response.json())["claimed"]] == ["email"]
    async with gateway.admin("GET", "audit", params={"action": "identity.claimed"}) as response:
        (event,) = (await response.json())["items"]
    assert event["detail"]["source"] == "public"
