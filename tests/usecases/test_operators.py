"""What operators and the gateway itself note down: channel keys, versions of the rules, refused calls."""

import asyncio

from gateway.audit.event import Action
from gateway.model import (
    ActivateRules,
    Caller,
    ChannelKey,
    CreateKey,
    Done,
    NoteEvent,
    RefuseCall,
    Refused,
    RevokeKey,
    StoredRuleSet,
    StoreRules,
)
from gateway.store.gateway_reads import active_rules, shared_state
from tests.support.in_process_gateway import InProcessGateway, caller, customer

OPERATOR = Caller("", "", "operator", "req", "operator")


def create(core: InProcessGateway, key_id: str, channel: str = "web") -> CreateKey:
    row = ChannelKey(key_id, channel, key_id.encode(), b"secret", core.clock.now(), "operator")
    return CreateKey(OPERATOR, row)


def rules(version: str, content: str = "text") -> StoredRuleSet:
    return StoredRuleSet(version, f"sha of {content}", content, "operator", 0)


# ---- keys ----


async def test_a_channel_has_the_key_in_use_and_the_one_that_follows_it(core: InProcessGateway) -> None:
    assert await core.send(create(core, "k1")) == Done()
    assert await core.send(create(core, "k2")) == Done()
    refused = await core.send(create(core, "k3"))
    assert isinstance(refused, Refused)
    assert refused.code == "too_many_keys"
    assert await core.send(create(core, "p1", "pos")) == Done()
    assert await core.send(RevokeKey(OPERATOR, "k1")) == Done()
    assert await core.send(create(core, "k3")) == Done()
    assert [key.key_id for key in (await shared_state(core.store)).keys if key.revoked_at is None] == [
        "k2",
        "k3",
        "p1",
    ]


async def test_keys_that_come_in_one_batch_are_counted_one_by_one(core: InProcessGateway) -> None:
    outcomes = await asyncio.gather(*(core.send(create(core, f"k{n}")) for n in range(4)))
    assert [type(outcome) for outcome in outcomes] == [Done, Done, Refused, Refused]


async def test_revoking_twice_is_harmless(core: InProcessGateway) -> None:
    await core.send(create(core, "k1"))
    assert await core.send(RevokeKey(OPERATOR, "k1")) == Done()
    core.clock.advance(1)
    assert await core.send(RevokeKey(OPERATOR, "k1")) == Done(changed=False)
    (key,) = (await shared_state(core.store)).keys
    assert key.revoked_at == core.clock.now() - 1
    assert await core.actions() == ["key.created", "key.revoked"]


async def test_a_key_that_is_unknown_cannot_be_revoked(core: InProcessGateway) -> None:
    refused = await core.send(RevokeKey(OPERATOR, "k9"))
    assert isinstance(refused, Refused)
    assert refused.code == "key_unknown"


# ---- rules ----


async def test_rules_are_kept_by_version_and_the_active_one_is_the_last_activated(
    core: InProcessGateway,
) -> None:
    await core.send(StoreRules(OPERATOR, rules("1"), activate=True))
    await core.send(StoreRules(OPERATOR, rules("2", "other")))
    assert await active_rules(core.store) == rules("1")
    assert await core.send(ActivateRules(OPERATOR, "2")) == Done()
    assert await core.send(ActivateRules(OPERATOR, "2")) == Done(changed=False)
    assert await active_rules(core.store) == rules("2", "other")
    assert await core.send(ActivateRules(OPERATOR, "1")) == Done()
    assert await active_rules(core.store) == rules("1")


async def test_the_same_content_under_the_same_version_is_no_change_and_another_content_is_refused(
    core: InProcessGateway,
) -> None:
    assert await core.send(StoreRules(OPERATOR, rules("1"))) == Done()
    assert await core.send(StoreRules(OPERATOR, rules("1"))) == Done(changed=False)
    refused = await core.send(StoreRules(OPERATOR, rules("1", "other")))
    assert isinstance(refused, Refused)
    assert refused.code == "version_taken"


async def test_rules_that_were_not_stored_cannot_be_activated(core: InProcessGateway) -> None:
    refused = await core.send(ActivateRules(OPERATOR, "9"))
    assert isinstance(refused, Refused)
    assert refused.code == "rules_unknown"
    assert await active_rules(core.store) is None


# ---- notes ----


async def test_a_refused_call_is_recorded_and_nothing_else(core: InProcessGateway) -> None:
    await core.send(customer("web:ann"))
    before = await core.rows("SELECT * FROM profile")
    assert await core.send(RefuseCall(caller("web", "r-1"), "achieve", 401, 1006, "secret_key")) == Done()
    assert (await core.rows("SELECT action, outcome, channel, request_id, reason, detail FROM audit"))[
        -1
    ] == (
        "call.refused",
        "refused",
        "web",
        "r-1",
        "secret_key",
        '{"code":1006,"route":"achieve","source":"backend","status":401}',
    )
    assert await core.rows("SELECT * FROM profile") == before


async def test_the_gateway_audits_its_start_and_stop(core: InProcessGateway) -> None:
    assert await core.send(NoteEvent(OPERATOR, Action.GATEWAY_STARTED, {"previous": ["a", 1]})) == Done()
    assert await core.rows("SELECT action, detail FROM audit") == [
        ("gateway.started", '{"previous":["a",1],"source":"operator"}')
    ]
