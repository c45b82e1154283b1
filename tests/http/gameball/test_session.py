"""Session tokens: what the platform's apps send instead of a secret key, and everything that is none."""

from __future__ import annotations

import json
from base64 import urlsafe_b64encode
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from joserfc import jwe, jws
from joserfc.jwk import OctKey

from gateway.clock import DAY, HOUR, SECOND, SystemClock
from gateway.http.gameball.session import LONGEST, Claims, verify
from tests.support.in_process_gateway import NOON
from tests.support.public_api import Reply, ask, save

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.support.running_gateway import RunningGateway, Start

KEY = b"session-key-0123456789-012345678"
OUTER = {"alg": "A256KW", "enc": "A256CBC-HS512"}
NEVER = 4_000_000_000
CLAIMS = json.dumps({"customerId": "ann", "exp": NEVER})
CHANNELS = """
[[channel]]
name = "web"
api_key = "web-api-key-0123456789"
secret_key = "web-secret-key-0123456789"
[[channel]]
name = "mobile"
api_key = "mobile-api-key-0123456789"
secret_key = "mobile-secret-key-0123456789"
"""
WITH_SESSIONS = f'{CHANNELS}session_key = "{KEY.decode()}"'


def sign(payload: str, key: bytes = KEY, alg: str = "HS256") -> str:
    return jws.serialize_compact({"alg": alg}, payload, OctKey.import_key(key), algorithms=[alg])


def seal(signed: str, key: bytes = KEY, header: Mapping[str, str] = OUTER) -> str:
    algorithms = [*header.values()]
    return jwe.encrypt_compact(dict(header), signed, OctKey.import_key(key), algorithms=algorithms)


def token(**claims: Any) -> str:
    return seal(sign(json.dumps({"customerId": "ann", "exp": NEVER} | claims)))


def b64(text: str) -> str:
    return urlsafe_b64encode(text.encode()).rstrip(b"=").decode()


# ---- the token by itself ----


def test_a_token_speaks_for_its_customer_until_it_expires() -> None:
    made = token(exp=NOON // SECOND)
    assert verify(made, KEY, NOON - 1) == Claims("ann")
    assert verify(made, KEY, NOON) == "expired"


def test_a_token_that_is_not_valid_yet_is_refused() -> None:
    assert verify(token(nbf=NOON // SECOND + 1), KEY, NOON) == "expired"


@pytest.mark.parametrize("jump", [-400 * DAY, -HOUR, HOUR, 400 * DAY])
def test_a_clock_that_jumps_for_a_moment_neither_ends_a_token_nor_lengthens_it(jump: int) -> None:
    wall, steady = NOON, 0
    clock = SystemClock(wall=lambda: wall * 1_000_000, steady=lambda: steady * 1_000_000)
    made = token(nbf=NOON // SECOND, exp=NOON // SECOND + 60)
    steady, wall = 59_999, NOON + 59_999 + jump
    assert verify(made, KEY, clock.now()) == Claims("ann")
    steady, wall = 60_000, NOON + 60_000 + jump
    assert verify(made, KEY, clock.now()) == "expired"


def test_the_length_of_a_token_is_bounded() -> None:
    assert verify(token(customerEmail="x" * LONGEST), KEY, NOON) == "too long"


@pytest.mark.parametrize(
    "claims", [{"exp": None}, {"exp": "soon"}, {"exp": True}, {"customerId": ""}, {"customerId": 7}]
)
def test_claims_that_are_missing_or_of_another_type_make_no_token(claims: dict[str, Any]) -> None:
    assert verify(token(**claims), KEY, NOON) == "incomplete"


@pytest.mark.parametrize(
    "payload", ["{}", "[]", "null", "ann", '{"customerId": "ann"}', '{"exp": 4000000000}']
)
def test_a_payload_without_the_claims_makes_no_token(payload: str) -> None:
    assert verify(seal(sign(payload)), KEY, NOON) == "incomplete"


def other_keys() -> list[str]:
    payload, other = CLAIMS, KEY[::-1]
    return [
        seal(sign(payload), other),
        seal(sign(payload, other), other),
        sign(payload),
        seal(sign(payload), header=OUTER | {"zip": "DEF"}),
        seal(sign(payload), header={"alg": "A256KW", "enc": "A256GCM"}),
        seal(sign(payload), KEY, {"alg": "A256GCMKW", "enc": "A256CBC-HS512"}),
    ]


@pytest.mark.parametrize("text", ["", ".", "....", "a.b.c.d.e", "\x00", "é" * 9, *other_keys()])
def test_only_the_agreed_encryption_with_the_channels_key_is_accepted(text: str) -> None:
    assert verify(text, KEY, NOON) == "not encrypted for this channel"


@pytest.mark.parametrize(
    "header", ["{}", "[]", "1", '{"alg":"none"}', '{"alg":["A256KW"],"enc":{}}', '{"crit":5}']
)
def test_a_malformed_token_header_is_refused(header: str) -> None:
    rest = token().partition(".")[2]
    assert verify(f"{b64(header)}.{rest}", KEY, NOON) == "not encrypted for this channel"


@pytest.mark.parametrize(
    "inside",
    [
        "",
        "no token",
        "a.b.c",
        token(),
        sign(CLAIMS, KEY[::-1]),
        sign(CLAIMS, alg="HS512"),
        ".".join([b64('{"alg":"none"}'), b64(CLAIMS), ""]),
        ".".join([b64('{"alg":"HS256","crit":5}'), b64(CLAIMS), ""]),
    ],
)
def test_what_is_inside_must_be_signed_with_the_agreed_algorithm(inside: str) -> None:
    assert verify(seal(inside), KEY, NOON) == "not signed by this channel"


@given(st.data())
def test_a_changed_token_is_refused_or_names_the_same_customer(data: st.DataObject) -> None:
    made = token()
    place = data.draw(st.integers(0, len(made) - 1))
    changed = made[:place] + data.draw(st.text(max_size=2)) + made[place + 1 :]
    assert verify(changed, KEY, NOON) in (Claims("ann"), "not encrypted for this channel")


# ---- at the gate ----


async def send(
    gateway: RunningGateway,
    session_token: str,
    path: str = "customers",
    *,
    customer_id: str = "ann",
    channel: str = "mobile",
    version: str = "v4.1",
) -> Reply:
    """As the platform's apps do: an api key, a token, no secret key."""
    url = f"{gateway.url}/api/{version}/integrations/{path}"
    headers = {"apikey": gateway.keys(channel)["apikey"], "X-GB-TOKEN": session_token}
    body = {"customerId": customer_id, "events": {}}
    async with gateway.client.post(url, json=body, headers=headers) as response:
        raw = await response.read()
        return Reply(response.status, response.headers, json.loads(raw), raw)


async def test_an_app_saves_the_customer_that_its_token_is_for(start: Start) -> None:
    async with start(channels=WITH_SESSIONS) as gateway:
        reply = await send(gateway, token())
        assert (reply.status, reply.body["customerId"]) == (200, "ann")
        reply = await send(gateway, token(), "events")
        assert reply.body["code"] == 4005  # admitted; not answered in local mode


async def test_a_token_is_refused_for_another_customer(start: Start) -> None:
    async with start(channels=WITH_SESSIONS) as gateway:
        assert (await send(gateway, token(), customer_id="bob")).fault == (401, 1001, "AUTHENTICATION_ERROR")
        assert (await send(gateway, token(), customer_id="")).status == 400
        assert await gateway.rows("SELECT * FROM record") == []


async def test_a_token_stands_for_the_secret_key_only_where_the_apps_use_it(start: Start) -> None:
    async with start(channels=WITH_SESSIONS) as gateway:
        for path in ("customers/social-challenges", "customers/ann/tags", "orders", "events/reward-preview"):
            assert (await send(gateway, token(), path)).status == 401, path
    async with start("[api]\nhigh_security = true", channels=WITH_SESSIONS) as gateway:
        assert (await send(gateway, token(), version="v4.0")).status == 401


async def test_a_refused_token_is_audited_without_its_content(start: Start) -> None:
    async with start(channels=WITH_SESSIONS) as gateway:
        stale = token(exp=1)
        assert (await send(gateway, stale)).fault == (401, 1001, "AUTHENTICATION_ERROR")
        ((reason, everything),) = await gateway.rows(
            "SELECT reason, reason || detail || object || actor FROM audit WHERE action = 'call.refused'"
        )
        assert reason == "the session token is expired."
        assert not any(part in str(everything) for part in stale.split("."))


async def test_a_channel_without_a_session_key_takes_no_tokens(gateway: RunningGateway) -> None:
    assert (await send(gateway, token(), channel="web")).fault == (401, 1001, "AUTHENTICATION_ERROR")


async def test_a_secret_key_of_32_characters_is_a_session_key_too(start: Start) -> None:
    own = CHANNELS.replace("mobile-secret-key-0123456789", KEY.decode())
    async with start(channels=own) as gateway:
        assert (await send(gateway, token())).status == 200


async def test_with_the_secret_key_a_channel_may_name_any_customer_whatever_the_token(
    start: Start,
) -> None:
    async with start(channels=WITH_SESSIONS) as gateway:
        await save(gateway, "bob", channel="mobile")
        reply = await ask(
            gateway,
            "POST",
            "customers",
            channel="mobile",
            json={"customerId": "eve"},
            headers={"X-GB-TOKEN": "x"},
        )
        assert reply.status == 200
