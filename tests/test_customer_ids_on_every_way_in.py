"""What a call in local mode, a call in forward mode and a line of an import take as a customer id and as an identifier: one
table, and real calls."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import unquote

import pytest

from rules.language.parse import preset
from tests.support.forwarding import forwarding
from tests.support.public_api import Reply, achieve, ask, grant_all, save

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.loyalty_platform import Platform
    from tests.support.running_gateway import RunningGateway, Start

A, B = "a@shop.example.com", "b@shop.example.com"


class Taken(NamedTuple):
    """The customer id of the record."""

    customer_id: str


class Refused(NamedTuple):
    """The call gets this code, the line this reason."""

    code: int
    reason: str


class NoCustomer(NamedTuple):
    reason: str


MISSING, UNUSABLE, TOO_LONG = Refused(3000, "missing"), Refused(3016, "unusable"), Refused(3000, "too_long")
PLACEHOLDER, DIGITS_LOST = NoCustomer("placeholder"), NoCustomer("digits_lost")
CUSTOMER_IDS: list[tuple[Any, Taken | Refused | NoCustomer]] = [
    ("4711", Taken("4711")),
    ("4712   ", Taken("4712")),
    ("   4713", Taken("4713")),
    ("\u00a04714\u00a0", Taken("4714")),
    ("\t4715\r\n", Taken("4715")),
    ("\ufeff4716\u200b", Taken("4716")),
    ("47\u00ad17", Taken("4717")),
    ("Mu\u0308ller", Taken("M\u00fcller")),
    ("\u1112\u1161\u11ab", Taken("\ud55c")),
    (4718, Taken("4718")),
    (4719.0, Taken("4719")),
    (-5, Taken("-5")),
    (12345678901234567890123, Taken("12345678901234567890123")),
    ("007", Taken("007")),
    ("A/b?c#d", Taken("A/b?c#d")),
    ("x" * 100 + " " * 100, Taken("x" * 100)),
    ("", MISSING),
    ("  ", MISSING),
    ("\u200b\u00a0", MISSING),
    (True, UNUSABLE),
    (False, UNUSABLE),
    (1.5, UNUSABLE),
    (1e20, UNUSABLE),
    (10**50, UNUSABLE),
    ([], UNUSABLE),
    (["4711"], UNUSABLE),
    ({"id": 4711}, UNUSABLE),
    ("a\x00b", UNUSABLE),
    ("x" * 101, TOO_LONG),
    (0, PLACEHOLDER),
    (-1, PLACEHOLDER),
    ("0", PLACEHOLDER),
    (" NULL ", PLACEHOLDER),
    ("guest", PLACEHOLDER),
    ("N/A", PLACEHOLDER),
    ("[object Object]", PLACEHOLDER),
    ("4.71E+12", DIGITS_LOST),
]
IDENTIFIERS: list[tuple[dict[str, Any], set[str]]] = [
    ({"mobile": "01001234567"}, set()),
    ({"mobile": 1001234567}, {"mobile:not_text"}),
    ({"mobile": 1001234567.0}, {"mobile:not_text"}),
    ({"mobile": True}, {"mobile:not_text"}),
    ({"mobile": ["01001234567"]}, {"mobile:not_text"}),
    ({"mobile": {}}, {"mobile:not_text"}),
    ({"mobile": 10**50}, {"mobile:not_text"}),
    ({"mobile": 12}, {"mobile:not_text", "mobile:not_possible"}),
    ({"mobile": None}, set()),
    ({"email": 7}, {"email:not_text", "email:syntax"}),
    ({"email": [A]}, {"email:not_text"}),
    ({"email": "nobody"}, {"email:syntax"}),
]
READ_BY_ITS_DIGITS = ("01001234567", 1001234567, 1001234567.0)


def warnings(reply: Reply) -> set[str]:
    return set(filter(None, reply.headers.get("X-Gateway-Warnings", "").split(", ")))


async def known(gateway: RunningGateway, id_space: str = "pos") -> set[str]:
    rows = await gateway.rows(f"SELECT customer_id FROM record WHERE id_space = '{id_space}'")
    return {str(customer_id) for (customer_id,) in rows}


async def profiles(gateway: RunningGateway, *customer_ids: str) -> list[int]:
    rows: dict[Any, Any] = dict(await gateway.rows("SELECT customer_id, profile_id FROM record"))  # type: ignore[arg-type]
    return [rows[customer_id] for customer_id in customer_ids]


TAKEN = {expected.customer_id for _, expected in CUSTOMER_IDS if isinstance(expected, Taken)}


def sent_text(value: Any) -> str:
    return value if isinstance(value, str) else str(int(value))


async def test_local_calls_read_customer_ids_as_the_table_says(gateway: RunningGateway) -> None:
    for value, expected in CUSTOMER_IDS:
        reply = await ask(gateway, "POST", "customers", channel="pos", json={"customerId": value})
        report = await ask(
            gateway,
            "POST",
            "customers/social-challenges",
            channel="pos",
            json={"customerId": value, "challengeId": 11665},
        )
        for one, status in ((reply, 200), (report, 202)):
            match expected:
                case Taken():
                    assert (one.status, one.body.get("customerId")) == (status, sent_text(value)), value
                case Refused(code):
                    assert (one.status, one.body["code"]) == (400, code), value
                case NoCustomer(reason):
                    assert (one.status, one.body["code"]) == (400, 3000), value
                    assert warnings(one) == {f"customerId:{reason}"}
    assert await known(gateway) == TAKEN


async def test_forwarded_calls_read_customer_ids_as_the_table_says(
    forward: RunningGateway, platform: Platform
) -> None:
    for value, expected in CUSTOMER_IDS:
        seen = len(platform.seen)
        reply = await ask(
            forward, "POST", "orders", channel="pos", json={"customerId": value, "orderId": "o-1"}
        )
        match expected:
            case Taken(customer_id):
                assert (reply.status, reply.body["customerId"]) == (200, sent_text(value)), value
                assert platform.seen[-1].json["customerId"] == customer_id
            case Refused(code):
                assert (reply.status, reply.body["code"]) == (400, code), value
                assert len(platform.seen) == seen
            case NoCustomer(reason):
                assert (reply.status, platform.seen[-1].json["customerId"]) == (200, sent_text(value)), value
                assert warnings(reply) == {f"customerId:{reason}"}
    assert await known(forward) == TAKEN


async def bring(gateway: RunningGateway, columns: list[str], rows: list[list[Any]]) -> dict[str, Any]:
    body = {
        "channel": "pos",
        "first_line": 1,
        "next_line": len(rows) + 1,
        "columns": columns,
        "rows": [[line, row] for line, row in enumerate(rows, 1)],
        "last": True,
    }
    async with gateway.admin("POST", "imports/0123456789abcdef/rows", json=body) as response:
        assert response.status == 200, await response.text()
        return await response.json()


async def test_an_import_reads_customer_ids_as_the_table_says(gateway: RunningGateway) -> None:
    await bring(gateway, ["customer_id"], [[value] for value, _ in CUSTOMER_IDS])
    assert await known(gateway) == TAKEN
    async with gateway.admin("GET", "imports/0123456789abcdef/refusals") as response:
        refused = {one["line"]: one["reason"] for one in (await response.json())["items"]}
    assert refused == {
        line: f"customer_id_{expected.reason}"
        for line, (_, expected) in enumerate(CUSTOMER_IDS, 1)
        if not isinstance(expected, Taken)
    }


async def test_local_calls_read_identifiers_as_the_table_says(gateway: RunningGateway) -> None:
    for number, (said, warned) in enumerate(IDENTIFIERS):
        reply = await save(gateway, f"c{number}", channel=("web", "pos", "mobile")[number % 3], **said)
        assert warnings(reply) == warned, said
    assert len(set(await profiles(gateway, "c0", "c1", "c2"))) == 1
    assert (
        len(set(await profiles(gateway, *(f"c{n}" for n in range(len(IDENTIFIERS)))))) == len(IDENTIFIERS) - 2
    )


async def test_forwarded_calls_read_identifiers_as_the_table_says(
    forward: RunningGateway, platform: Platform
) -> None:
    for number, (said, warned) in enumerate(IDENTIFIERS):
        body = {"customerId": f"c{number}", "orderId": "o-1", **said}
        reply = await ask(forward, "POST", "orders", channel=("web", "pos", "mobile")[number % 3], json=body)
        assert (reply.status, warnings(reply)) == (200, warned), said
        mobile = said.get("mobile")
        if mobile in READ_BY_ITS_DIGITS and mobile is not True:
            assert platform.seen[-1].json["mobile"] == "+201001234567"
        else:
            assert platform.seen[-1].json == {**body, "customerId": platform.seen[-1].json["customerId"]}
    assert len(set(await profiles(forward, "c0", "c1", "c2"))) == 1
    assert (
        len(set(await profiles(forward, *(f"c{n}" for n in range(len(IDENTIFIERS)))))) == len(IDENTIFIERS) - 2
    )


async def test_an_import_reads_identifiers_as_the_table_says(gateway: RunningGateway) -> None:
    """A file's writer may have taken a text for a number: that is worth no warning there."""
    rows = [[f"c{n}", said.get("email"), said.get("mobile")] for n, (said, _) in enumerate(IDENTIFIERS)]
    answer = await bring(gateway, ["customer_id", "email", "mobile"], rows)
    assert answer["unusable"] == {
        "mobile:not_text": 4,
        "mobile:not_possible": 1,
        "email:syntax": 2,
        "email:not_text": 1,
    }
    assert len(set(await profiles(gateway, "c0", "c1", "c2"))) == 1


async def test_an_import_reads_a_card_number_as_the_whole_number_that_it_was(start: Start) -> None:
    cards = ["60012345", "60012345.0", 60012345.0, "6.00123E+12", "6.00123E+12"]
    async with start('[rules]\nseed = "preset:strict"') as gateway:
        rows = [[f"c{number}", card] for number, card in enumerate(cards)]
        answer = await bring(gateway, ["customer_id", "loyalty_id"], rows)
        assert answer["unusable"] == {"loyalty_id:rounded": 2}
        found = await profiles(gateway, *(f"c{number}" for number in range(len(cards))))
    assert len(set(found[:-2])) == 1
    assert len(set(found)) == 3


# ---- an id of no customer ----


async def test_an_id_of_no_customer_joins_no_two_people_and_earns_nothing(gateway: RunningGateway) -> None:
    await save(gateway, "p1", email=A)
    await save(gateway, "p2", email=B)
    for written in ("0", "undefined", "null", "NaN", "None", "guest", "00000000-0000-0000-0000-000000000000"):
        for email in (A, B):
            for body in ({"email": email}, {"email": email, "guest": True}):
                reply = await ask(
                    gateway, "POST", "customers", channel="pos", json={"customerId": written, **body}
                )
                assert reply.status == 400
        assert (await achieve(gateway, written, channel="pos")).status == 400
        assert (await achieve(gateway, written, channel="pos", email=A)).status == 400
    await grant_all(gateway)
    assert len(set(await profiles(gateway, "p1", "p2"))) == 2
    for one in ("p1", "p2"):
        assert (await ask(gateway, "GET", f"customers/{one}/balance")).body["totalPointsBalance"] == 0
    assert await gateway.rows("SELECT * FROM achievement") == []


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "customers/{}", None),
        ("GET", "customers/{}/details", None),
        ("GET", "customers/{}/balance", None),
        ("GET", "customers/{}/activities", None),
        ("GET", "customers/{}/activities/count", None),
        ("GET", "customers/{}/reward-campaigns-progress", None),
        ("GET", "configurations/reward-campaigns?customerId={}", None),
        ("PUT", "customers/{}/activate", {"isActive": False}),
        ("POST", "customers/{}/tags", {"tags": "vip"}),
        ("DELETE", "customers/{}/tags", {"tags": "vip"}),
        ("DELETE", "customers/{}", None),
        ("POST", "customers/{}/delete", {}),
    ],
)
async def test_a_local_call_about_no_customer_finds_none(
    gateway: RunningGateway, method: str, path: str, body: dict[str, Any] | None
) -> None:
    reply = await ask(gateway, method, path.format("guest"), json=body)
    assert reply.fault == (404, 4004, "GENERAL_ERROR")
    assert warnings(reply) == {"customerId:placeholder"}


async def test_a_padded_id_in_a_path_is_the_same_customer(gateway: RunningGateway) -> None:
    await save(gateway, "4711   ")
    for written in ("4711", "4711%20%20%20", "%C2%A04711"):
        shown = await ask(gateway, "GET", f"customers/{written}")
        assert shown.status == 200
    assert shown.body["customerId"] == "\u00a04711"
    await ask(gateway, "DELETE", "customers/%204711%20")
    assert (await ask(gateway, "GET", "customers/4711")).status == 404


async def test_calls_about_no_customer_are_handed_on_as_they_came(
    forward: RunningGateway, platform: Platform
) -> None:
    await ask(forward, "POST", "customers", json={"customerId": "ann", "email": A})
    for written, path in (("0", "0"), ("N/A", "N%2FA"), ("guest", "guest"), ("(null)", "%28null%29")):
        reply = await ask(forward, "GET", f"customers/{path}/balance", channel="pos")
        assert (platform.seen[-1].path, warnings(reply)) == (
            f"/customers/{path}/balance",
            {"customerId:placeholder"},
        )
        reply = await ask(forward, "GET", f"transactions?customerId={path}", channel="pos")
        assert (unquote(platform.seen[-1].raw_path.partition("?")[2]), warnings(reply)) == (
            f"customerId={written}",
            {"customerId:placeholder"},
        )
        order = {"customerId": written, "orderId": "o", "email": A, "guest": True}
        reply = await ask(forward, "POST", "orders", channel="pos", json=order)
        assert (platform.seen[-1].json, reply.body["customerId"]) == (order, written)
        assert "X-Gateway-Profile" not in reply.headers
        report = await achieve(forward, written, channel="pos", email=A)
        assert (report.status, warnings(report)) == (400, {"customerId:placeholder"})
    batch = [
        {"customerId": "0", "email": A},
        {"customerId": "till-1", "email": A},
        {"customerId": "guest", "email": B},
    ]
    reply = await ask(forward, "POST", "batch/customers", channel="pos", json=batch)
    assert [one["customerId"] for one in platform.seen[-1].json] == ["0", "ann", "guest"]
    assert warnings(reply) == {"customerId:placeholder"}
    assert await known(forward) == {"till-1"}
    assert await forward.rows("SELECT * FROM achievement") == []


async def test_an_id_of_no_customer_does_not_reach_a_customer_who_has_it(
    start: Start, platform: Platform, tmp_path: Path
) -> None:
    """`0` is a real customer of the web shop, and what the till writes for no customer."""
    rules = tmp_path / "rules.toml"
    rules.write_text(preset("email-or-mobile") + '\n[id_space.web]\nreal_ids = ["0"]\n')
    async with forwarding(start, platform, more=f'[rules]\nseed = "{rules}"') as gateway:
        reply = await ask(gateway, "POST", "customers", json={"customerId": "0", "email": A})
        assert (reply.status, warnings(reply)) == (200, set())
        seen = len(platform.seen)
        reply = await ask(gateway, "POST", "orders", channel="pos", json={"customerId": "0", "orderId": "o"})
        assert (reply.status, warnings(reply)) == (404, {"customerId:placeholder"})
        assert len(platform.seen) == seen


async def test_the_body_may_repeat_the_paths_id_with_blanks(
    forward: RunningGateway, platform: Platform
) -> None:
    await ask(forward, "POST", "customers", json={"customerId": "4711"})
    for written in ("4711", "4711  ", 4711):
        reply = await ask(
            forward, "POST", "customers/4711%20/tags", json={"customerId": written, "tags": "vip"}
        )
        assert reply.status == 200
        assert platform.seen[-1].json["customerId"] == "4711"
        assert platform.seen[-1].path == "/customers/4711/tags"
    assert await known(forward, "web") == {"4711"}
