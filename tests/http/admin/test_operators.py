"""Operators: what each role may do, and how their tokens come and go."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from gateway.errors import Refusal
from gateway.http.admin.operation import PREFIX
from gateway.http.admin.operators import Operator
from gateway.http.admin.routes import OPERATIONS
from gateway.http.console.render import BUILD
from gateway.ids import show
from gateway.model import ROLES, Role, StoredOperator

if TYPE_CHECKING:
    from tests.support.running_gateway import RunningGateway, Start

TRUSTING = (
    '[server]\nlisten = "127.0.0.1:0"\nadmin_listen = "127.0.0.1:0"\noperator_header = "X-Forwarded-User"\n'
    'trusted_proxies = ["{proxies}"]\n[[operator]]\nname = "ann"\nrole = "viewer"\nuser = "ann@shop.example"\n'
)


async def ask(
    gateway: RunningGateway, token: str, method: str, path: str, status: int | None = None, **options: Any
) -> Any:
    headers = {"Authorization": f"Bearer {token}", **options.pop("headers", {})}
    url = f"{gateway.admin_url}{PREFIX}/{path}"
    async with gateway.client.request(method, url, headers=headers, **options) as response:
        if status is None:
            is_endless = response.content_type == "text/event-stream"
            return response.status, b"" if is_endless else await response.read()
        assert response.status == status, await response.text()
        return await response.json(content_type=None)


async def added(gateway: RunningGateway, name: str, role: Role = "admin") -> str:
    shared = gateway.services.admin_token
    issued = await ask(gateway, shared, "POST", "operators", 201, json={"name": name, "role": role})
    return issued["token"]


@pytest.mark.parametrize("has", ROLES)
@pytest.mark.parametrize("needs", ROLES)
def test_a_role_has_everything_of_the_lower_ones_and_a_refusal_names_the_role_that_is_needed(
    has: Role, needs: Role
) -> None:
    operator = Operator("sam", has)
    if ROLES.index(has) >= ROLES.index(needs):
        operator.require(needs)
        return
    with pytest.raises(Refusal, match=f"needs the role {needs}") as refused:
        operator.require(needs)
    assert refused.value.code == "forbidden_role"


async def test_every_operation_refuses_every_role_below_its_own_and_no_other(gateway: RunningGateway) -> None:
    tokens = {role: await added(gateway, f"the-{role}", role) for role in ROLES}
    for one in OPERATIONS:
        path = one.path.format(id="x", version="x", name="x").removeprefix("/")
        for role in ROLES:
            status, answer = await ask(gateway, tokens[role], one.method, path)
            is_refused = status == 403 and b'"code":"forbidden_role"' in answer
            assert is_refused == (ROLES.index(role) < ROLES.index(one.role)), (one.name, role, answer)
            assert (status == 403) == is_refused, (one.name, role, answer)
            assert not is_refused or f"needs the role {one.role}".encode() in answer


async def test_the_audit_log_names_the_operator_of_the_token_and_ignores_the_stated_name(
    gateway: RunningGateway,
) -> None:
    token = await added(gateway, "ann")
    await ask(
        gateway, token, "POST", "keys", 201, json={"channel": "web"}, headers={"X-Operator": "somebody-else"}
    )
    (event,) = (await ask(gateway, token, "GET", "audit?action=key.created", 200))["items"]
    assert event["actor"] == "operator:ann"
    assert "declared" not in event["detail"]
    assert "somebody-else" not in str(event)


async def test_a_token_is_shown_once_and_kept_nowhere(gateway: RunningGateway) -> None:
    token = await added(gateway, "ann")
    shown = await ask(gateway, token, "GET", "operators", 200)
    (operator,) = shown["items"]
    assert (operator["name"], operator["role"], operator["created_by"]) == ("ann", "admin", "operator:shared")
    assert operator["used"] is not None
    stored = await gateway.rows("SELECT * FROM operator")
    log = await gateway.rows("SELECT detail FROM audit")
    gateway.services.telemetry.writer.flush()
    secret = token.split("_")[4]
    assert secret not in f"{shown}{stored}{log}{(gateway.directory / 'gateway.log').read_text()}"


async def test_a_rotation_leaves_no_gap_and_ends_the_token_before_it(gateway: RunningGateway) -> None:
    old, shared = await added(gateway, "ann"), gateway.services.admin_token
    new = (await ask(gateway, shared, "POST", "operators/ann/rotate", 200, json={}))["token"]
    for token in (old, new):
        assert (await ask(gateway, token, "GET", "me", 200))["actor"] == "operator:ann"
    newest = (await ask(gateway, new, "POST", "operators/ann/rotate", 200, json={"grace_seconds": 0}))[
        "token"
    ]
    for token in (old, new):
        await ask(gateway, token, "GET", "me", 401)
    await ask(gateway, newest, "GET", "me", 200)


async def test_a_removed_operator_is_out_at_once_and_the_name_can_be_given_again(
    gateway: RunningGateway,
) -> None:
    first, shared = await added(gateway, "ann"), gateway.services.admin_token
    assert (await ask(gateway, shared, "POST", "operators", 409, json={"name": "ann", "role": "viewer"}))[
        "code"
    ] == "operator_exists"
    await ask(gateway, shared, "DELETE", "operators/ann", 200)
    await ask(gateway, first, "GET", "me", 401)
    for method, path in (("DELETE", "operators/ann"), ("POST", "operators/ann/rotate")):
        assert (await ask(gateway, shared, method, path, 404, json={}))["code"] == "operator_unknown"
    second = await added(gateway, "ann", "viewer")
    assert (await ask(gateway, second, "GET", "me", 200))["role"] == "viewer"
    actions = await gateway.rows("SELECT action FROM audit WHERE action LIKE 'operator.%' ORDER BY event_id")
    assert [action for (action,) in actions] == ["operator.added", "operator.removed", "operator.added"]


DECEIVING = (
    "", "shared", "Ann", "a" * 41, "-ann", ".ann", "ann bob", "ann_bob", "ann\n", "ann\0", "<script>", "\u202enna",
    "\u0430nn", "ann@shop.example", "../ann", "ann;drop", "\x1b[31mann", "\U0001f600" * 40,
)  # fmt: skip


async def test_a_name_that_could_deceive_is_refused(
    gateway: RunningGateway, subtests: pytest.Subtests
) -> None:
    for name in DECEIVING:
        with subtests.test(ascii(name)):
            body = {"name": name, "role": "viewer"}
            refused = await ask(gateway, gateway.services.admin_token, "POST", "operators", 400, json=body)
            assert refused["code"] == "bad_body"
            assert await gateway.rows("SELECT name FROM operator") == []


async def test_a_user_named_by_the_trusted_proxy_has_the_role_of_the_settings(start: Start) -> None:
    async with start(TRUSTING.format(proxies="127.0.0.0/8")) as gateway:
        url = f"{gateway.admin_url}{PREFIX}"
        ann = {"X-Forwarded-User": "ann@shop.example"}
        async with gateway.client.get(f"{url}/me", headers=ann) as response:
            me = await response.json()
        assert (me["actor"], me["role"], bool(me["csrf"])) == ("operator:ann", "viewer", True)
        for user in ("ann", "Ann@shop.example", "", "eve@shop.example"):
            async with gateway.client.get(f"{url}/me", headers={"X-Forwarded-User": user}) as response:
                assert response.status == 401
        twice = [("X-Forwarded-User", "ann@shop.example"), ("X-Forwarded-User", "eve@shop.example")]
        async with gateway.client.get(f"{url}/me", headers=twice) as response:
            assert response.status == 401
        async with gateway.client.post(f"{url}/rules/check", headers=ann, json={"text": ""}) as response:
            assert (await response.json())["code"] == "origin_refused"


async def test_the_name_from_an_address_that_is_no_proxy_is_ignored(start: Start) -> None:
    async with start(TRUSTING.format(proxies="192.0.2.0/24")) as gateway:
        headers = {"X-Forwarded-User": "ann@shop.example", "X-Forwarded-For": "192.0.2.1"}
        async with gateway.client.get(f"{gateway.admin_url}{PREFIX}/me", headers=headers) as response:
            assert response.status == 401


async def test_operators_of_the_proxy_and_operators_with_a_token_never_share_a_name(start: Start) -> None:
    async with start(TRUSTING.format(proxies="127.0.0.0/8")) as gateway:
        shared, body = gateway.services.admin_token, {"name": "ann", "role": "admin"}
        refused = await ask(gateway, shared, "POST", "operators", 409, json=body)
        assert (refused["code"], "proxy" in refused["detail"]) == ("operator_exists", True)
        assert (await ask(gateway, shared, "GET", "overview", 200))["warnings"] == []
        row = StoredOperator("ann", "admin", bytes(32), 1, "operator:shared")
        gateway.services.operators.refresh([row])  # added before the settings named her
        (warning,) = (await ask(gateway, shared, "GET", "overview", 200))["warnings"]
        assert "operator ann" in warning


async def test_a_look_at_a_customer_is_audited_where_the_settings_ask_for_it(start: Start) -> None:
    asked = (
        "profiles?email=canary@shop.example.org",
        "profiles/{id}",
        "profiles/{id}/explain",
        "profiles/prf_x",
    )
    events = (
        "SELECT action, actor, profile, detail FROM audit WHERE action LIKE 'customer.%ed' ORDER BY event_id"
    )

    async def look(gateway: RunningGateway) -> tuple[str, list[tuple[Any, ...]]]:
        before = await gateway.rows(events)
        async with gateway.call("POST", "customers", json={"customerId": "ann"}):
            [[number]] = await gateway.rows("SELECT MAX(profile_id) FROM profile")
        for path in asked:
            await ask(gateway, gateway.services.admin_token, "GET", path.format(id=show("prf", number)))
        return show("prf", number), [row for row in await gateway.rows(events) if row not in before]

    async with start() as gateway:
        _, seen = await look(gateway)
        assert [action for action, *_ in seen if action in ("customer.viewed", "customer.searched")] == []
    async with start("[audit]\nreads = true") as gateway:
        profile, seen = await look(gateway)
        assert [(action, actor, about) for action, actor, about, _ in seen] == [
            ("customer.searched", "operator:shared", ""),
            *[("customer.viewed", "operator:shared", profile)] * 2,
        ]
        assert '"by":["email"]' in seen[0][3]
        token = {"Authorization": f"Bearer {gateway.services.admin_token}"}
        page, form = (
            f"{gateway.admin_url}/console/find?canary@shop.example.org=1",
            {"_build": BUILD, "q": "ann"},
        )
        async with gateway.client.post(page, headers=token, data=form, allow_redirects=False) as response:
            assert response.status == 303
        searched = (await gateway.rows(events))[-1]
        assert '"by":["limit","q"]' in searched[3], "of a page as of a program: the names of its fields"
        assert "canary" not in str(seen)
