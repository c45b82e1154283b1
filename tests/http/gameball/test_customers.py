"""Customers, tags and what is read of them, with the exact members of every answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from gateway.ids import api_number, read
from tests.support.asking import achieve, ask, grant_all, names, save

if TYPE_CHECKING:
    from tests.support.running_gateway import RunningGateway, Start

EMAIL, MOBILE = "ann@shop.example.org", "+201001234567"
OPEN = names("""gender country city zip custom tags source utMs utms devices paymentMethods totalSpent lastOrderDate
    totalOrders""")
PRIVATE = names("""displayName firstName lastName email mobile dateOfBirth joinDate preferredLanguage avgOrderAmount
    channel""")
CUSTOMER = names("gameballId customerId customerAttributes isReferred")
BALANCE = names("""totalPointsBalance totalPointsValue availablePointsBalance availablePointsValue pendingPoints
    pendingPointsValue currency pointsName nextExpiringPointsAmount nextExpiringPointsValue
    totalEarnedPoints avaliablePointsBalance avaliablePointsValue totalEarnedPendingPoints""")
ACTIVITY = names("""activityId activityType activityDay activityDate activityTime customerId email phoneNumber displayName
    transactionId isManualActivity points score reason calculatedRedemption actualRedemption familyRedemptionAmount
    familyRedemptionPoints paymentRewardAmount outstandingPoints rewardThreshold currency redemptionRewardFactor
    campaignName campaignStartDate campaignEndDate campaignEnabled tierName rewardPoints rewardFactor isGuest couponUsed
    couponType couponCode couponGroup couponProduct couponProductId productVariantName""")
CAMPAIGN = names("""id name description isRepeatable maxAchievement type visibility icon redirectionButtonText
    redirectionButtonLink activation rewards""")
PROGRESS = names("""rewardsCampaignName rewardsCampaignId isUnlocked highScoreAmount currentStreak highestStreak
    completionPercentage achievedCount canAchieve rewardCampaignConfiguration""")
ATTRIBUTES = {
    "displayName": "Ann A.",
    "firstName": "Ann",
    "gender": "F",
    "city": "Cairo",
    "totalSpent": 12.5,
    "totalOrders": 3,
    "utms": [{"source": "x"}],
    "custom": {"color": "red"},
}


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


# ---- what was earned ----


async def test_a_balance_is_the_sum_of_what_was_granted(gateway: RunningGateway) -> None:
    await save(gateway)
    empty = (await ask(gateway, "GET", "customers/ann/balance")).body
    assert set(empty) == set(BALANCE)
    assert empty["totalPointsBalance"] == 0
    await achieve(gateway)
    await grant_all(gateway)
    full = (await ask(gateway, "GET", "customers/ann/balance")).body
    points = ("totalPointsBalance", "availablePointsBalance", "avaliablePointsBalance", "totalEarnedPoints")
    assert [full[name] for name in points] == [100] * 4
    assert (full["totalPointsValue"], full["pendingPoints"]) == (1.0, 0)


async def test_a_balance_expands_to_the_tier(start: Start) -> None:
    tiers = """
[[tier]]
order = 1
name = "Basic"
min_progress = 0
[[tier]]
order = 2
name = "Gold"
min_progress = 50
"""
    async with start(tiers) as gateway:
        await save(gateway)
        shown = (await ask(gateway, "GET", "customers/ann/balance?expand=tier,referrals")).body
        assert set(shown) == {*BALANCE, "tier", "referrals"}
        assert shown["tier"]["current"]["name"] == "Basic"
        assert shown["tier"]["next"] == {
            "order": 2, "name": "Gold", "minProgress": 50, "minPorgress": 50,
        }  # fmt: skip


async def test_activities_are_read_page_by_page_upwards(start: Start) -> None:
    extra = '[program]\ntime_zone = "Africa/Cairo"\n'
    campaigns = "".join(f'[[campaign]]\nid = {n}\nname = "c{n}"\npoints = {n}\n' for n in range(1, 8))
    async with start(extra, campaigns=campaigns) as gateway:
        await save(gateway, email=EMAIL)
        for number in range(1, 8):
            await achieve(gateway, campaign=number)
        await grant_all(gateway)
        seen: list[dict[str, Any]] = []
        after, more = 0, True
        while more:
            path = f"customers/ann/activities?startAfter={after}&limit=3&activityType=CampaignRewarded"
            page = (await ask(gateway, "GET", path)).body
            assert set(page) == {"activities", "count", "hasMore"}
            assert page["count"] == len(page["activities"]) <= 3
            seen += page["activities"]
            after, more = page["activities"][-1]["activityId"], page["hasMore"]
        assert sorted(one["points"] for one in seen) == [1, 2, 3, 4, 5, 6, 7]
        numbers = [one["activityId"] for one in seen]
        assert numbers == sorted(set(numbers))
        assert all(set(one) == set(ACTIVITY) for one in seen)
        assert (seen[0]["customerId"], seen[0]["email"], seen[0]["reason"]) == ("ann", EMAIL, None)
        assert (await ask(gateway, "GET", "customers/ann/activities/count")).body == {"count": 7}
        none = "customers/ann/activities/count?activityType=Refund"
        assert (await ask(gateway, "GET", none)).body == {"count": 0}


@pytest.mark.parametrize(
    ("query", "fault"),
    [
        ("limit=0", (422, 3003, "PAYLOAD_ERROR")),
        ("limit=201", (422, 3003, "PAYLOAD_ERROR")),
        ("limit=ten", (400, 3016, "PAYLOAD_ERROR")),
        ("limit=٣", (400, 3016, "PAYLOAD_ERROR")),
        ("startAfter=-1", (422, 3003, "PAYLOAD_ERROR")),
        ("startAfter=99999999999999999999", (422, 3003, "PAYLOAD_ERROR")),
        ("activityType=Nothing", (422, 3003, "PAYLOAD_ERROR")),
    ],
)
async def test_activities_check_their_parameters(
    gateway: RunningGateway, query: str, fault: tuple[int, int, str]
) -> None:
    await save(gateway)
    assert (await ask(gateway, "GET", f"customers/ann/activities?{query}")).fault == fault


# ---- campaigns ----

CAMPAIGNS = """
[[campaign]]
id = 1
name = "plain"
points = 5
coupon = { type = "percentage_discount", value = 10, prefix = "FB" }
[[campaign]]
id = 2
name = "vip only"
audience = { include_tags = ["vip"] }
[[campaign]]
id = 3
name = "gold"
audience = { min_tier = 2 }
[[campaign]]
id = 4
name = "off"
enabled = false
[[campaign]]
id = 5
name = "hidden"
visibility = "hidden"
[[campaign]]
id = 6
name = "wheel"
type = "spin_the_wheel"
[[campaign]]
id = 7
name = "scheduled"
max_achievements = 0
starts_at = 2020-01-01T00:00:00Z
ends_at = 2099-01-01T00:00:00Z
"""


async def test_the_campaigns_on_offer_are_listed_with_all_their_members(start: Start) -> None:
    async with start(campaigns=CAMPAIGNS) as gateway:
        reply = await ask(
            gateway, "GET", "configurations/reward-campaigns", version="v4.0", headers={"lang": "ar"}
        )
        listed = {one["id"]: one for one in reply.body}
        assert sorted(listed) == [1, 2, 3, 5, 6, 7]
        assert all(set(one) == {*CAMPAIGN, "availability"} for one in listed.values())
        assert (listed[1]["type"], listed[1]["maxAchievement"], listed[1]["isRepeatable"]) == (
            "SocialMedia",
            1,
            False,
        )
        assert (listed[7]["maxAchievement"], listed[7]["isRepeatable"]) == (-1, True)
        assert listed[7]["activation"] == {
            "startDate": "2020-01-01T00:00:00Z",
            "endDate": "2099-01-01T00:00:00Z",
        }
        assert listed[2]["availability"] == {"minTier": 0, "tags": ["vip"]}
        assert listed[3]["availability"] == {"minTier": 2, "tags": []}
        assert listed[5]["visibility"] == "NotVisible"
        reward = listed[1]["rewards"][0]
        assert (reward["walletReward"], reward["rankReward"], reward["walletRewardFactor"]) == (5, 0, None)
        assert reward["couponReward"]["discountValue"] == 10
        assert reward["couponReward"]["options"]["codePrefix"] == "FB"


async def test_with_a_customer_the_list_has_only_campaigns_that_they_can_achieve(start: Start) -> None:
    async with start(campaigns=CAMPAIGNS) as gateway:
        await save(gateway)

        async def listed() -> list[int]:
            reply = await ask(gateway, "GET", "configurations/reward-campaigns?customerId=ann")
            return sorted(one["id"] for one in reply.body)

        assert await listed() == [1, 5, 7]
        await ask(gateway, "POST", "customers/ann/tags", json={"tags": "vip"})
        await achieve(gateway, campaign=1)
        await grant_all(gateway)
        assert await listed() == [2, 5, 7]
        await ask(gateway, "PUT", "customers/ann/activate", json={"isActive": False})
        assert await listed() == []
        unknown = await ask(gateway, "GET", "configurations/reward-campaigns?customerId=nobody")
        assert unknown.fault == (404, 4004, "GENERAL_ERROR")


async def test_progress_shows_what_a_customer_may_see(start: Start) -> None:
    async with start(campaigns=CAMPAIGNS) as gateway:
        await save(gateway)

        async def progress(query: str = "") -> dict[int, Any]:
            reply = await ask(gateway, "GET", f"customers/ann/reward-campaigns-progress{query}")
            assert all(set(one) == set(PROGRESS) for one in reply.body)
            return {one["rewardsCampaignId"]: one for one in reply.body}

        before = await progress()
        assert sorted(before) == [1, 3, 7]
        assert set(before[1]["rewardCampaignConfiguration"]) == {*CAMPAIGN, "widgetDetailsParameter"}
        assert (before[1]["achievedCount"], before[1]["completionPercentage"], before[1]["canAchieve"]) == (
            0,
            0,
            True,
        )
        assert (before[3]["isUnlocked"], before[3]["canAchieve"]) == (False, False)
        await achieve(gateway, campaign=1)
        await grant_all(gateway)
        after = (await progress("?campaignId=1&campaignType=reward"))[1]
        assert (after["achievedCount"], after["completionPercentage"]) == (1, 100)
        assert (after["canAchieve"], after["isUnlocked"]) == (False, True)
        assert await progress("?campaignId=1&campaignType=game") == {}
        assert await progress("?campaignId=999") == {}


@pytest.mark.parametrize(
    ("query", "fault"),
    [
        ("campaignId=0", (422, 3003, "PAYLOAD_ERROR")),
        ("campaignId=-7", (422, 3003, "PAYLOAD_ERROR")),
        ("campaignId=x", (400, 3016, "PAYLOAD_ERROR")),
        ("campaignType=other", (422, 3003, "PAYLOAD_ERROR")),
    ],
)
async def test_progress_checks_its_parameters(
    gateway: RunningGateway, query: str, fault: tuple[int, int, str]
) -> None:
    await save(gateway)
    assert (await ask(gateway, "GET", f"customers/ann/reward-campaigns-progress?{query}")).fault == fault


# ---- what is not there ----

NULLABLE = names("""description icon redirectionButtonText redirectionButtonLink activation startDate endDate
    walletRewardFactor couponReward couponType discountValue productId productName variantId variantName
    productDisplayName handle title url iconPath maxPerCustomer expiryDate isAvailable isActive name expiryAfter
    usageLimit capping minOrderValue codePrefix redeemInstructions highScoreAmount currentStreak highestStreak
    widgetDetailsParameter""") | ACTIVITY - names(
    "activityId activityType activityDay activityDate activityTime customerId"
)
"""The members for which the platform publishes null; the `name` is that of a coupon's options, the others' is never empty."""
OFFERS = """
[[tier]]
order = 1
name = "Gold"
min_progress = 50
[[campaign]]
id = 1
name = "plain"
[[campaign]]
id = 2
name = "with a coupon"
points = 5
coupon = { type = "percentage_discount", value = 10 }
"""


def _nulls(value: Any, name: str = "") -> set[str]:
    if isinstance(value, dict):
        return {found for key, inner in value.items() for found in _nulls(inner, key)}
    if isinstance(value, list):
        return {found for inner in value for found in _nulls(inner, name)}
    return {name} if value is None else set()


@pytest.mark.parametrize(
    "path",
    [
        "customers/{}",
        "customers/{}/details",
        "customers/{}/balance",
        "customers/{}/balance?expand=tier,referrals",
        "customers/{}/activities",
        "customers/{}/activities/count",
        "customers/{}/reward-campaigns-progress",
        "configurations/reward-campaigns",
        "configurations/reward-campaigns?customerId={}",
    ],
)
async def test_absent_fields_are_omitted_unless_the_api_publishes_null_for_them(
    start: Start, path: str
) -> None:
    async with start(campaigns=OFFERS) as gateway:
        await save(gateway, "bare")
        await save(
            gateway, "full", email=EMAIL, mobile=MOBILE, customerAttributes={**ATTRIBUTES, "custom": {"a": 1}}
        )
        for customer_id in ("bare", "full"):
            for campaign in (1, 2):
                await achieve(gateway, customer_id, campaign)
        await grant_all(gateway)
        for customer_id in ("bare", "full"):
            reply = await ask(gateway, "GET", path.format(customer_id))
            assert reply.status == 200
            assert _nulls(reply.body) <= NULLABLE
