"""The sessions of operators' browsers."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from gateway.clock import DAY, HOUR, MINUTE
from gateway.http.admin.operation import PREFIX
from tests.support.in_process_gateway import ManualClock
from tests.support.running_gateway import ADMIN_TOKEN

if TYPE_CHECKING:
    from tests.support.running_gateway import RunningGateway, Start

COOKIE = "gateway_session"


async def log_in(
    gateway: RunningGateway, token: str = ADMIN_TOKEN, **headers: str
) -> tuple[str, dict[str, Any]]:
    """The cookie's header, and what the session is told of itself."""
    async with gateway.client.post(
        f"{gateway.admin_url}{PREFIX}/sessions", headers={"Authorization": f"Bearer {token}", **headers}
    ) as response:
        assert response.status == 201
        gateway.client.cookie_jar.clear()
        return response.headers["Set-Cookie"], await response.json()


async def status(
    gateway: RunningGateway, cookie: str, method: str = "GET", path: str = "me", **headers: str
) -> tuple[int, str]:
    sent = {"Cookie": cookie.partition(";")[0], **headers}
    async with gateway.client.request(
        method, f"{gateway.admin_url}{PREFIX}/{path}", headers=sent
    ) as response:
        gateway.client.cookie_jar.clear()
        return response.status, (await response.json(content_type=None)).get("code", "")


async def operator(gateway: RunningGateway, name: str, role: str = "admin") -> str:
    async with gateway.admin("POST", "operators", json={"name": name, "role": role}) as response:
        return (await response.json())["token"]


async def test_the_cookie_is_a_secret_of_the_browser_and_the_database_does_not_know_it(
    gateway: RunningGateway,
) -> None:
    cookie, opened = await log_in(gateway)
    value, *attributes = cookie.split("; ")
    assert value.startswith(f"{COOKIE}=")
    assert set(attributes) == {"HttpOnly", "Max-Age=604800", "Path=/", "SameSite=Strict"}
    assert value.partition("=")[2] not in str(await gateway.rows("SELECT * FROM operator_session"))
    async with gateway.client.get(f"{gateway.admin_url}{PREFIX}/me", headers={"Cookie": value}) as response:
        me = await response.json()
    assert (me["name"], me["session"], me["csrf"]) == ("shared", opened["id"], opened["csrf"])


async def test_behind_tls_the_cookie_belongs_to_this_host_alone(start: Start) -> None:
    server = (
        '[server]\nlisten = "127.0.0.1:0"\nadmin_listen = "127.0.0.1:0"\ntrusted_proxies = ["127.0.0.1/32"]\n'
    )
    tls = {"X-Forwarded-Proto": "https"}
    async with start(server) as gateway:
        cookie, _ = await log_in(gateway, **tls)
        assert cookie.startswith(f"__Host-{COOKIE}=")
        assert "Secure" in cookie.split("; ")
        assert (await status(gateway, cookie, **tls))[0] == 200
        assert (await status(gateway, cookie.removeprefix("__Host-"), **tls))[0] == 401
        assert (await status(gateway, cookie))[0] == 401


ORIGINS: list[tuple[dict[str, str], str]] = [
    ({"Sec-Fetch-Site": "same-origin"}, ""),
    ({"Origin": "{own}"}, ""),
    ({"Origin": "{own}", "Sec-Fetch-Site": "same-origin"}, ""),
    ({"Origin": "https://console.example:8443"}, ""),
    ({}, "origin_refused"),
    ({"Sec-Fetch-Site": "cross-site", "Origin": "{own}"}, "origin_refused"),
    ({"Sec-Fetch-Site": "same-site"}, "origin_refused"),
    ({"Sec-Fetch-Site": "none"}, "origin_refused"),
    ({"Sec-Fetch-Site": "same-origin", "Origin": "https://evil.example"}, "origin_refused"),
    ({"Origin": "null"}, "origin_refused"),
    ({"Origin": "{own}.evil.example"}, "origin_refused"),
    ({"Origin": "https://[evil"}, "origin_refused"),
    ({"Origin": "https://evil.example", "Host": "console.example"}, "origin_refused"),
]


async def test_a_page_of_another_site_changes_nothing(start: Start, subtests: pytest.Subtests) -> None:
    server = '[server]\nlisten = "127.0.0.1:0"\nadmin_listen = "127.0.0.1:0"\nallowed_hosts = ["console.example"]\n'
    async with start(server) as gateway:
        cookie, opened = await log_in(gateway)
        csrf = {"X-CSRF-Token": opened["csrf"]}
        for headers, refused in ORIGINS:
            with subtests.test(**headers):
                sent = {name: value.replace("{own}", gateway.admin_url) for name, value in headers.items()}
                answer = await status(gateway, cookie, "DELETE", "keys/x", **csrf, **sent)
                assert answer == ((403, refused) if refused else (404, "key_unknown"))


async def test_a_change_needs_the_csrf_text_of_its_own_session(gateway: RunningGateway) -> None:
    (cookie, opened), (_, other) = await log_in(gateway), await log_in(gateway)
    for given in ("", "x", other["csrf"], opened["csrf"][:-1], "ü"):
        headers = {"Origin": gateway.admin_url, "X-CSRF-Token": given}
        assert await status(gateway, cookie, "DELETE", "keys/x", **headers) == (403, "csrf_refused")
    headers = {"Origin": gateway.admin_url, "X-CSRF-Token": opened["csrf"]}
    assert await status(gateway, cookie, "DELETE", "keys/x", **headers) == (404, "key_unknown")


async def test_a_session_ends_when_it_is_idle_or_old_and_looking_writes_rarely(
    gateway: RunningGateway,
) -> None:
    gateway.services.clock = clock = ManualClock(gateway.services.clock.now())
    cookie, opened = await log_in(gateway)
    seen = "SELECT seen_at FROM operator_session"
    before = await gateway.rows(seen)
    clock.advance(5 * MINUTE - 1)
    assert (await status(gateway, cookie))[0] == 200
    assert await gateway.rows(seen) == before
    clock.advance(1)
    assert (await status(gateway, cookie, Accept="text/event-stream"))[0] == 200
    assert (await status(gateway, cookie, **{"X-Unattended": "yes"}))[0] == 200
    assert await gateway.rows(seen) == before, "a page that is left open is no person"
    assert (await status(gateway, cookie))[0] == 200
    assert await gateway.rows(seen) == [(clock.now(),)]
    for _ in range(14):
        clock.advance(12 * HOUR - 1)
        await status(gateway, cookie)
    assert (await status(gateway, cookie))[0] == 401, "seven days are over, whatever it did"
    assert clock.now() - before[0][0] > 7 * DAY - HOUR
    idle, _ = await log_in(gateway)
    clock.advance(12 * HOUR)
    assert (await status(gateway, idle))[0] == 401
    assert opened["id"] not in str(await gateway.rows("SELECT session_id FROM operator_session"))


async def test_a_log_out_ends_the_session_and_takes_the_cookie(gateway: RunningGateway) -> None:
    cookie, opened = await log_in(gateway)
    url = f"{gateway.admin_url}{PREFIX}/sessions/{opened['id']}"
    headers = {
        "Cookie": cookie.partition(";")[0],
        "Origin": gateway.admin_url,
        "X-CSRF-Token": opened["csrf"],
    }
    async with gateway.client.delete(url, headers=headers) as response:
        assert (await response.json()) == {"id": opened["id"], "changed": True}
        assert "Max-Age=0" in response.headers["Set-Cookie"]
    assert (await status(gateway, cookie))[0] == 401


@pytest.mark.parametrize("way", ["rotate", "remove"])
async def test_another_token_and_a_removal_end_the_operators_sessions_and_no_others(
    gateway: RunningGateway, way: str
) -> None:
    ann, _ = await log_in(gateway, await operator(gateway, "ann"))
    bob, _ = await log_in(gateway, await operator(gateway, "bob"))
    path, method = ("operators/ann/rotate", "POST") if way == "rotate" else ("operators/ann", "DELETE")
    async with gateway.admin(method, path, json={}) as response:
        assert response.status == 200
    assert [(await status(gateway, cookie))[0] for cookie in (ann, bob)] == [401, 200]


async def test_an_open_stream_ends_with_its_session(gateway: RunningGateway) -> None:
    cookie, opened = await log_in(gateway)
    url = f"{gateway.admin_url}{PREFIX}/audit/stream"
    async with gateway.client.get(url, headers={"Cookie": cookie.partition(";")[0]}) as response:
        assert response.status == 200
        async with gateway.admin("DELETE", f"sessions/{opened['id']}") as ended:
            assert ended.status == 200
        await asyncio.wait_for(response.read(), 5)


async def test_an_operator_sees_and_ends_their_own_sessions_and_an_admin_everyones(
    gateway: RunningGateway,
) -> None:
    tokens = {name: await operator(gateway, name, "viewer") for name in ("ann", "bob")}
    opened = {name: (await log_in(gateway, token))[1]["id"] for name, token in tokens.items()}
    ann = {"Authorization": f"Bearer {tokens['ann']}"}
    url = f"{gateway.admin_url}{PREFIX}/sessions"
    async with gateway.client.get(url, headers=ann) as response:
        assert [one["id"] for one in (await response.json())["items"]] == [opened["ann"]]
    async with gateway.client.delete(f"{url}/{opened['bob']}", headers=ann) as response:
        assert (await response.json())["code"] == "session_unknown"
    async with gateway.admin("GET", "sessions") as response:
        assert {one["name"] for one in (await response.json())["items"]} == {"ann", "bob"}
    async with gateway.admin("DELETE", f"sessions/{opened['bob']}") as response:
        assert (await response.json())["changed"] is True


async def test_one_operator_has_twenty_sessions_at_most(gateway: RunningGateway) -> None:
    cookies = [(await log_in(gateway))[0] for _ in range(21)]
    assert await gateway.rows("SELECT COUNT(*) FROM operator_session") == [(20,)]
    assert [(await status(gateway, cookie))[0] for cookie in (cookies[1], cookies[-1])] == [200, 200]


async def test_after_ten_failed_log_ins_the_address_waits_even_with_the_right_token(
    gateway: RunningGateway,
) -> None:
    url = f"{gateway.admin_url}{PREFIX}/sessions"
    found: list[int] = []
    for token in (*["wrong"] * 11, ADMIN_TOKEN):
        async with gateway.client.post(url, headers={"Authorization": f"Bearer {token}"}) as response:
            found.append(response.status)
            assert ("Retry-After" in response.headers) == (response.status == 429)
    assert found == [401] * 10 + [429] * 2
    async with gateway.admin("GET", "me") as response:
        assert response.status == 200, "who is asking otherwise is not held up"


async def test_a_page_of_another_site_cannot_lock_its_visitor_out(gateway: RunningGateway) -> None:
    url = f"{gateway.admin_url}{PREFIX}/sessions"
    evil = {"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"}
    for more in ({}, {"Authorization": "Bearer "}) * 6:
        async with gateway.client.post(url, headers={**evil, **more}) as response:
            assert response.status == 401
    await log_in(gateway)


async def test_a_log_in_that_does_not_arrive_in_time_is_dropped(start: Start) -> None:
    server = '[server]\nlisten = "127.0.0.1:0"\nadmin_listen = "127.0.0.1:0"\nbody_timeout = "50ms"\n'
    async with start(server) as gateway:
        place = gateway.admin_url.removeprefix("http://")
        reader, writer = await asyncio.open_connection(*place.split(":"))
        head = ("POST /console/log-in HTTP/1.1", f"Host: {place}", "Sec-Fetch-Site: same-origin")
        form = ("Content-Type: application/x-www-form-urlencoded", "Content-Length: 9")
        writer.write("\r\n".join((*head, *form, "", "token")).encode())
        assert b" 408 " in await asyncio.wait_for(reader.readline(), 5)
        writer.close()


async def test_a_session_opens_with_a_token_and_not_with_another_session(gateway: RunningGateway) -> None:
    cookie, opened = await log_in(gateway)
    headers = {"Origin": gateway.admin_url, "X-CSRF-Token": opened["csrf"]}
    assert await status(gateway, cookie, "POST", "sessions", **headers) == (401, "unauthorized")


async def test_a_restart_keeps_the_session_and_another_shared_token_ends_it(start: Start) -> None:
    async with start() as gateway:
        cookie, _ = await log_in(gateway)
    async with start() as gateway:
        assert (await status(gateway, cookie))[0] == 200
    server = '[server]\nlisten = "127.0.0.1:0"\nadmin_listen = "127.0.0.1:0"\n'
    async with start(f'{server}admin_token = "another-admin-token-0123"') as gateway:
        assert (await status(gateway, cookie))[0] == 401
