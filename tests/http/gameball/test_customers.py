"""Customers: upsert, reads, activation, tags and deletion."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from gateway.ids import api_number, read
from tests.support.public_api import achieve, ask, grant_all, names, save

if TYPE_CHECKING:
    from tests.support.running_gateway import RunningGateway
from tests.support.published_fields import ATTRIBUTES, CUSTOMER, EMAIL, MOBILE, OPEN, PRIVATE


async def test_an_upsert_answers_the_same_number_for_the_same_person(gateway: RunningGateway) -> None:
    first = await save(gateway, "web-1", email=EMAIL)
    again = await save(gateway, "till-1", channel="pos", email=EMAIL)
    assert first.body == {"gameballId": first.body["gameballId"], "customerId": "web-1"}
    assert again.body == {"gameballId": first.body["gameballId"], "customerId": "till-1"}
    profile = read("prf", first.headers["X-Gateway-Profile"])
    assert profile is not None
    assert first.body["gameballId"] == api_number(profile) < 2**53
    assert [reply.headers["X-Gateway-Decision"] for reply in (first, again)] == ["created", "attached"]


async def test_omitted_attributes_stay_and_null_is_omitted(gateway: RunningGateway) -> None:
    await save(gateway, customerAttributes=ATTRIBUTES)
    await save(gateway, customerAttributes={"city": "Giza", "gender": None, "custom": {"size": 1}})
    shown = (await ask(gateway, "GET", "customers/ann/details")).body["customerAttributes"]
    assert (shown["city"], shown["gender"], shown["firstName"]) == ("Giza", "F", "Ann")
    assert shown["custom"] == {"color": "red", "size": 1}


async def test_a_read_without_the_secret_key_shows_no_personal_data(gateway: RunningGateway) -> None:
    await save(gateway, email=EMAIL, mobile=MOBILE, customerAttributes=ATTRIBUTES)
    reply = await ask(gateway, "GET", "customers/ann", version="v4.0", headers={"secretkey": ""})
    assert set(reply.body) == set(CUSTOMER)
    shown = set(reply.body["customerAttributes"])
    assert shown == (OPEN & names("custom tags utMs utms devices paymentMethods")) | (OPEN & set(ATTRIBUTES))
    assert reply.body["customerAttributes"]["utMs"] == [{"source": "x"}]
    assert "Ann" not in str(reply.body)
    assert EMAIL not in str(reply.body)
    assert MOBILE not in str(reply.body)


async def test_details_show_everything_and_the_identifiers_where_no_attribute_is(
    gateway: RunningGateway,
) -> None:
    await save(gateway, email=EMAIL, mobile=MOBILE, customerAttributes={**ATTRIBUTES, "mobile": "as typed"})
    reply = await ask(gateway, "GET", "customers/ann/details")
    shown = reply.body["customerAttributes"]
    assert set(reply.body) == set(CUSTOMER)
    assert set(shown) == names("custom tags utMs utms devices paymentMethods email mobile") | set(ATTRIBUTES)
    assert set(shown) < OPEN | PRIVATE
    assert (shown["email"], shown["mobile"], shown["displayName"]) == (EMAIL, "as typed", "Ann A.")


async def test_every_customer_id_of_a_person_reads_the_same_profile(gateway: RunningGateway) -> None:
    await save(gateway, "web-1", email=EMAIL, customerAttributes={"city": "Cairo"})
    await save(gateway, "till-1", channel="pos", mobile=MOBILE, customerAttributes={"gender": "F"})
    joined = await save(gateway, "app-1", channel="mobile", email=EMAIL, mobile=MOBILE)
    assert joined.headers["X-Gateway-Decision"] == "merged"
    for channel, customer_id in (("web", "web-1"), ("pos", "till-1"), ("mobile", "app-1")):
        body = (await ask(gateway, "GET", f"customers/{customer_id}", channel=channel)).body
        assert (body["customerId"], body["gameballId"]) == (customer_id, joined.body["gameballId"])
        assert body["customerAttributes"]["city"] == "Cairo"
        assert body["customerAttributes"]["gender"] == "F"
    assert (await ask(gateway, "GET", "customers/till-1", channel="web")).status == 404


@pytest.mark.parametrize(
    ("customer_id", "segment"),
    [("a/b?c#d", "a%2Fb%3Fc%23d"), ("+201001234567", "+201001234567"), ("ann@b.example", "ann@b.example"),
     ("%2F", "%252F"), ("Ä x", "%C3%84%20x"), ("social-challenges", "social-challenges")],
)  # fmt: skip
async def test_a_customer_id_in_the_path_is_decoded_once(
    gateway: RunningGateway, customer_id: str, segment: str
) -> None:
    from yarl import URL

    await save(gateway, customer_id)
    url = URL(f"{gateway.url}/api/v4.1/integrations/customers/{segment}/details", encoded=True)
    async with gateway.client.get(url, headers=gateway.keys("web")) as response:
        assert response.status == 200
        assert (await response.json())["customerId"] == customer_id


async def test_an_id_that_cannot_be_one_is_refused_in_the_path_too(gateway: RunningGateway) -> None:
    assert (await ask(gateway, "GET", "customers/" + "x" * 101)).fault == (400, 3000, "PAYLOAD_ERROR")
    assert (await ask(gateway, "GET", "customers/%00")).fault == (400, 3016, "PAYLOAD_ERROR")
    assert (await ask(gateway, "GET", "customers/%20")).fault == (400, 3000, "PAYLOAD_ERROR")


@pytest.mark.parametrize(
    "path",
    ["", "/details", "/balance", "/activities", "/activities/count", "/reward-campaigns-progress"],
)
async def test_reading_an_unknown_customer_is_a_404(gateway: RunningGateway, path: str) -> None:
    assert (await ask(gateway, "GET", f"customers/nobody{path}")).fault == (404, 4004, "GENERAL_ERROR")


async def test_activation_says_whether_it_changed_anything(gateway: RunningGateway) -> None:
    await save(gateway)

    async def activate(body: Any, customer_id: str = "ann") -> Any:
        reply = await ask(gateway, "PUT", f"customers/{customer_id}/activate", json=body)
        return reply.body if reply.status == 200 else reply.fault

    assert await activate({"isActive": False}) == {
        "customerId": "ann",
        "isActive": False,
        "stateChanged": True,
    }
    assert await activate({"isActive": False}) == {
        "customerId": "ann",
        "isActive": False,
        "stateChanged": False,
    }
    assert await activate({"isActive": True}) == {"customerId": "ann", "isActive": True, "stateChanged": True}
    assert await activate({}) == (400, 3000, "PAYLOAD_ERROR")
    assert await activate({"isActive": "no"}) == (400, 3016, "PAYLOAD_ERROR")
    assert await activate({"isActive": True}, "nobody") == (404, 4004, "GENERAL_ERROR")


async def test_tags_belong_to_the_whole_person(gateway: RunningGateway) -> None:
    await save(gateway, "web-1", email=EMAIL)
    await save(gateway, "till-1", channel="pos", email=EMAIL)
    attached = await ask(gateway, "POST", "customers/web-1/tags", json={"tags": "vip, new"})
    assert (attached.status, set(attached.body), attached.body["success"]) == (
        200,
        {"success", "message"},
        True,
    )
    shown = await ask(gateway, "GET", "customers/till-1", channel="pos")
    assert shown.body["customerAttributes"]["tags"] == ["new", "vip"]
    await ask(gateway, "DELETE", "customers/till-1/tags", channel="pos", json={"tags": "new,never"})
    shown = await ask(gateway, "GET", "customers/web-1")
    assert shown.body["customerAttributes"]["tags"] == ["vip"]
    assert (await ask(gateway, "POST", "customers/nobody/tags", json={"tags": "x"})).status == 404


async def test_two_spellings_of_a_tag_are_shown_once_as_typed(gateway: RunningGateway) -> None:
    await save(gateway, "web-1", email=EMAIL)
    await save(gateway, "till-1", channel="pos", mobile="+201001234567")
    await ask(gateway, "POST", "customers/web-1/tags", json={"tags": "Employee"})
    await ask(gateway, "POST", "customers/till-1/tags", channel="pos", json={"tags": "employee"})
    await save(gateway, "till-1", channel="pos", mobile="+201001234567", email=EMAIL)
    shown = await ask(gateway, "GET", "customers/web-1")
    assert shown.body["customerAttributes"]["tags"] == ["Employee"]


@pytest.mark.parametrize(("method", "path"), [("DELETE", ""), ("POST", "/delete")])
async def test_a_deleted_person_is_gone_under_every_id(
    gateway: RunningGateway, method: str, path: str
) -> None:
    await save(gateway, "web-1", email=EMAIL)
    await save(gateway, "till-1", channel="pos", email=EMAIL)
    assert (await ask(gateway, method, f"customers/web-1{path}", json={})).status == 200
    assert (await ask(gateway, "GET", "customers/till-1", channel="pos")).status == 404
    assert (await ask(gateway, method, f"customers/web-1{path}")).status == 404


async def test_a_referrer_is_not_accepted_silently(gateway: RunningGateway) -> None:
    reply = await save(gateway, referrerCode="BOB")
    assert reply.headers["X-Gateway-Warnings"] == "referrerCode:ignored"


@pytest.mark.parametrize("flag", ["guest", "isGuest"])
async def test_a_guest_cannot_achieve(gateway: RunningGateway, flag: str) -> None:
    said: dict[str, Any] = {flag: True}
    await save(gateway, **said)
    assert (await achieve(gateway)).status == 202
    await grant_all(gateway)
    assert (await ask(gateway, "GET", "customers/ann/balance")).body["totalEarnedPoints"] == 0
    assert (await ask(gateway, "POST", "customers", json={"customerId": "ann", flag: "yes"})).status == 400
