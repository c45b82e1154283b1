"""Carrying identity decisions out: what a call teaches is stored once, on the record that said it."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from gateway.clock import DAY, MINUTE
from gateway.ids import show
from gateway.model import Accepted, SaveCustomer, UnknownCustomer
from rules.identifier import Evidence, Identifier
from rules.ruleset import Conflict, IdentifierRules, Rule, RuleSet
from tests.support.in_process_gateway import (
    VERSIONS,
    InProcessGateway,
    achieve,
    caller,
    customer,
    default_rules,
    environment,
    says,
)

ANN = "ann@x.eg"
PHONE = "+201001234567"


async def owner(core: InProcessGateway, kind: str, value: str) -> int | None:
    found = await core.column(
        "SELECT owner_id FROM identifier_owner WHERE type = ? AND value = ?", kind, value
    )
    return found[0] if found else None


async def state(core: InProcessGateway) -> list[list[tuple[Any, ...]]]:
    """Everything that identity is made of, without when it was last seen, plus the number of audit events."""
    return [
        await core.rows(f"SELECT {columns} ORDER BY 1, 2")
        for columns in (
            "id_space, customer_id, profile_id, active, guest FROM record",
            "type, value, record_id, verified, blocked, retired FROM observation",
            "type, value, state, owner_id FROM identifier_owner",
            "profile_id, redirect_to, changes FROM profile",
            "review_id, state FROM review",
            "COUNT(*), 0 FROM audit",
        )
    ]


# ---- one person, several ids ----


async def test_two_channels_that_know_the_same_address_meet_on_one_profile(core: InProcessGateway) -> None:
    web = await core.send(customer("web:ann", email=ANN))
    pos = await core.send(customer("pos:17", email=ANN))
    assert (web.resolution.decision, pos.resolution.decision) == ("created", "attached")
    assert pos.resolution.profile_id == web.resolution.profile_id


async def test_a_call_that_knows_two_profiles_makes_them_one(core: InProcessGateway) -> None:
    web = await core.send(customer("web:ann", email=ANN))
    core.clock.advance(MINUTE)
    await core.send(customer("pos:17", mobile=PHONE))
    merged = await core.send(customer("app:x", email=ANN, mobile=PHONE))
    assert merged.resolution.decision == "merged"
    survivor = web.resolution.profile_id
    assert {await core.profile_of(who) for who in ("web:ann", "pos:17", "app:x")} == {survivor}
    assert await owner(core, "email", ANN) == await owner(core, "mobile", PHONE) == survivor
    assert await core.rows("SELECT survivor_id, rule FROM merge") == [(survivor, merged.resolution.rule)]


async def test_an_absorbed_profile_redirects_in_one_hop_however_often_its_survivor_is_absorbed(
    core: InProcessGateway,
) -> None:
    for step, n in enumerate("321"):
        core.clock.advance(-step * DAY)
        await core.send(customer(f"web:{n}", email=f"{n}@x.eg"))
    core.clock.advance(10 * DAY)
    await core.send(customer("web:3", email="3@x.eg 2@x.eg"))
    await core.send(customer("web:2", email="2@x.eg 1@x.eg"))
    oldest = await core.profile_of("web:1")
    assert await core.profile_of("web:3") == oldest
    assert await core.column("SELECT redirect_to FROM profile WHERE redirect_to IS NOT NULL") == [oldest] * 2


async def test_the_audit_log_holds_no_clear_value_but_finds_it(core: InProcessGateway) -> None:
    await core.send(customer("web:ann", email=ANN, mobile=PHONE))
    (detail,) = await core.column("SELECT detail FROM audit WHERE action = 'identity.created'")
    assert ANN not in detail
    assert PHONE not in detail
    assert core.env.pseudonyms.of("email", ANN) in detail
    assert core.env.pseudonyms.of("mobile", PHONE) in detail


async def test_a_decision_stands_in_the_audit_log_as_it_always_stood(core: InProcessGateway) -> None:
    """The chain is over the text: names in alphabetical order, no blanks, steps as lists."""
    no_number = Evidence(Identifier("mobile", "+20100"), "blocked", "too_short")
    await core.send(SaveCustomer(caller(), "ann", (*says(email=ANN), no_number)))
    await core.send(customer("pos:ann", email=ANN, mobile=PHONE))
    created, attached = await core.column(
        "SELECT detail FROM audit WHERE action LIKE 'identity.%' ORDER BY event_id"
    )
    profile = show("prf", await core.profile_of("web:ann") or 0)
    email = '"mask":"a***@x***.eg","reason":"","status":"ok","type":"email"}'
    assert created == (
        '{"absorbed":[],"decision":"created","evidence":['
        f'{{"hmac":"{core.env.pseudonyms.of("email", ANN)}",{email},'
        f'{{"hmac":"{core.env.pseudonyms.of("mobile", "+20100")}","mask":"***00",'
        '"reason":"too_short","status":"blocked","type":"mobile"}],"id_space":"web","rule":"",'
        f'"rule_set":"{core.env.rules.sha256[:16]}","source":"backend","trace":[]}}'
    )
    assert attached == (
        '{"absorbed":[],"decision":"attached","evidence":['
        f'{{"hmac":"{core.env.pseudonyms.of("email", ANN)}",{email},'
        f'{{"hmac":"{core.env.pseudonyms.of("mobile", PHONE)}","mask":"***67",'
        '"reason":"","status":"ok","type":"mobile"}],"id_space":"pos","rule":"email",'
        f'"rule_set":"{core.env.rules.sha256[:16]}","source":"backend",'
        f'"trace":[["rule:email","{profile}","merge","email"]]}}'
    )


# ---- idempotence (I6) ----

STORIES = {
    "created": [customer("web:ann", email=ANN)],
    "attached": [customer("web:ann", email=ANN), customer("pos:17", email=ANN)],
    "merged": [
        customer("web:ann", email=ANN),
        customer("pos:17", mobile=PHONE),
        customer("web:ann", email=ANN, mobile=PHONE),
    ],
    "review": [
        customer("web:ann", email=ANN, mobile="+201001234567"),
        customer("web:bob", email=ANN, mobile="+201007654321"),
    ],
    "generic": [customer(f"web:{n}", email="till@x.eg") for n in range(8)],
}


@pytest.mark.parametrize("story", STORIES.values(), ids=STORIES.keys())
@pytest.mark.parametrize("pause", [0, MINUTE, 3 * DAY])
async def test_the_same_call_again_changes_nothing_but_when_it_was_last_seen(
    core: InProcessGateway, story: list[SaveCustomer], pause: int
) -> None:
    first = [await core.send(command) for command in story]
    before = await state(core)
    core.clock.advance(pause)
    again = await core.send(story[-1])
    assert await state(core) == before
    assert not again.changed
    assert again.resolution.profile_id == first[-1].resolution.profile_id


async def test_a_value_seen_often_is_noted_once_a_day(core: InProcessGateway) -> None:
    await core.send(customer("web:ann", email=ANN))
    seen = []
    for _ in range(8):
        core.clock.advance(DAY // 4 + 1)
        await core.send(customer("web:ann", email=ANN))
        seen += await core.column("SELECT last_seen FROM observation")
    assert len(set(seen)) == 3


async def test_a_value_that_becomes_verified_is_stored_once(core: InProcessGateway) -> None:
    await core.send(customer("web:ann", email=ANN))
    verified = Evidence(Identifier("email", ANN), verified=True)
    for changed in (True, False):
        saved = await core.send(replace_evidence(customer("web:ann"), verified))
        assert saved.changed is changed
    assert await core.column("SELECT verified FROM observation") == [1]


def replace_evidence(command: SaveCustomer, *evidence: Evidence) -> SaveCustomer:
    return SaveCustomer(command.caller, command.customer_id, evidence, command.attributes, command.guest)


async def test_a_new_profile_is_at_version_1_and_each_change_counts(core: InProcessGateway) -> None:
    await core.send(customer("web:1", email=ANN))
    assert [row[1] for row in await core.rows(VERSIONS)] == [1]
    await core.send(customer("web:1", email=ANN))
    assert [row[1] for row in await core.rows(VERSIONS)] == [1]
    await core.send(customer("web:1", mobile=PHONE))
    assert [row[1] for row in await core.rows(VERSIONS)] == [2]


async def test_a_join_that_waits_for_a_proof_happens_when_the_owner_brings_it(tmp_path: Path) -> None:
    rules = replace(
        default_rules(),
        identifiers={"email": IdentifierRules("email", strength=70)},
        rules=(Rule("email", ("email",), needs_verified=True),),
    )

    def proved(who: str) -> SaveCustomer:
        return SaveCustomer(caller(who), "1", (Evidence(Identifier("email", ANN), verified=True),))

    async with InProcessGateway(tmp_path, environment(rules=rules)) as core:
        await core.send(customer("web:1", email=ANN))
        await core.send(proved("pos"))
        assert await core.profile_of("web:1") != await core.profile_of("pos:1")
        await core.send(proved("web"))
        assert await core.profile_of("web:1") == await core.profile_of("pos:1")
        assert await core.column("SELECT state FROM review") == ["accepted"]


async def test_a_value_that_is_no_longer_blocked_is_taken_up_once(core: InProcessGateway) -> None:
    blocked = Evidence(Identifier("email", ANN), "blocked", "list")
    await core.send(replace_evidence(customer("web:ann"), blocked))
    assert await owner(core, "email", ANN) is None
    for changed in (True, False):
        assert (await core.send(customer("web:ann", email=ANN))).changed is changed
    assert await owner(core, "email", ANN) == await core.profile_of("web:ann")
    assert await core.column("SELECT blocked FROM observation") == [0]


async def test_a_value_that_cannot_be_read_is_not_stored(core: InProcessGateway) -> None:
    await core.send(
        replace_evidence(customer("web:ann"), Evidence(Identifier("email", ""), "invalid", "syntax"))
    )
    assert await core.rows("SELECT * FROM observation") == []


# ---- values that many hold ----


async def test_a_value_on_too_many_records_loses_its_owner_and_joins_no_more_records(
    core: InProcessGateway,
) -> None:
    saved = [
        await core.send(customer(f"web:{n}", email="till@x.eg", mobile=f"+20100000000{n}")) for n in range(9)
    ]
    assert await core.rows("SELECT state, owner_id FROM identifier_owner WHERE type = 'email'") == [
        ("generic", None)
    ]
    assert saved[-1].resolution.decision == "created"
    assert (await core.actions()).count("identifier.generic") == 1


# ---- reviews ----


async def disagreeing(core: InProcessGateway) -> None:
    """One address, two numbers: a person is asked."""
    await core.send(customer("web:ann", email=ANN, mobile="+201001234567"))
    await core.send(customer("web:bob", email=ANN, mobile="+201007654321"))


async def test_doubt_leaves_two_profiles_and_one_question(core: InProcessGateway) -> None:
    await disagreeing(core)
    for _ in range(3):
        core.clock.advance(MINUTE)
        await core.send(customer("web:bob", email=ANN, mobile="+201007654321"))
    a, b = sorted([await core.profile_of("web:ann"), await core.profile_of("web:bob")])  # type: ignore[type-var]
    assert a != b
    assert await core.rows("SELECT profile_a, profile_b, state FROM review") == [(a, b, "open")]
    assert (await core.actions()).count("identity.review") == 1


async def test_a_merge_answers_the_question_between_its_two_sides(core: InProcessGateway) -> None:
    await disagreeing(core)
    await core.send(customer("app:x", mobile="+201001234567 +201007654321"))
    assert await core.profile_of("web:ann") == await core.profile_of("web:bob")
    assert await core.column("SELECT state FROM review") == ["accepted"]


async def test_a_question_about_an_absorbed_profile_becomes_the_survivors(core: InProcessGateway) -> None:
    await core.send(customer("web:old", mobile="+201009999999"))
    core.clock.advance(MINUTE)
    await disagreeing(core)
    await core.send(customer("app:x", mobile="+201009999999 +201007654321"))
    survivor, ann = await core.profile_of("web:bob"), await core.profile_of("web:ann")
    assert survivor == await core.profile_of("web:old")
    assert sorted(await core.column("SELECT state FROM review")) == ["open", "stale"]
    (opened,) = await core.rows("SELECT profile_a, profile_b FROM review WHERE state = 'open'")
    assert set(opened) == {survivor, ann}


# ---- other rule sets ----


def with_rules(tmp_path: Path, **changes: Any) -> InProcessGateway:
    return InProcessGateway(tmp_path, environment(rules=replace(default_rules(), **changes)))


async def test_in_shadow_mode_profiles_stay_apart_and_own_what_is_free(tmp_path: Path) -> None:
    async with with_rules(tmp_path, mode="shadow") as core:
        web = await core.send(customer("web:ann", email=ANN))
        pos = await core.send(customer("pos:17", email=ANN))
        assert web.resolution.profile_id != pos.resolution.profile_id
        assert await owner(core, "email", ANN) == web.resolution.profile_id
        assert "identity.shadow" in await core.actions()
        assert await core.rows("SELECT * FROM merge") == []


async def test_in_shadow_mode_no_question_is_asked_and_a_repeat_is_no_news(tmp_path: Path) -> None:
    async with with_rules(tmp_path, mode="shadow") as core:
        await disagreeing(core)
        before = await state(core)
        core.clock.advance(MINUTE)
        await core.send(customer("web:ann", email=ANN, mobile="+201001234567"))
        assert await state(core) == before
        assert await core.rows("SELECT * FROM review") == []


async def test_in_shadow_mode_an_achievement_never_attaches_a_customer(tmp_path: Path) -> None:
    async with with_rules(tmp_path, mode="shadow") as core:
        await core.send(customer("web:ann", email=ANN))
        assert await core.send(achieve("pos:17", email=ANN)) == UnknownCustomer()
        assert await core.profile_of("pos:17") is None


def one_mobile(policy: Any, **limit: Any) -> dict[str, Any]:
    rules: RuleSet = default_rules()
    mobile = IdentifierRules("phone", strength=80, max_per_profile=1, **limit)
    return {"identifiers": {**rules.identifiers, "mobile": mobile}, "conflict": Conflict(policy=policy)}


async def test_a_newer_value_takes_the_place_of_an_older_one(tmp_path: Path) -> None:
    """`drop_oldest`: the older number loses its owner and no longer leads to the profile."""
    async with with_rules(tmp_path, **one_mobile("review", at_limit="drop_oldest")) as core:
        await core.send(customer("web:ann", mobile="+201001234567"))
        core.clock.advance(MINUTE)
        await core.send(customer("web:ann", mobile="+201007654321"))
        assert await owner(core, "mobile", "+201007654321") == await core.profile_of("web:ann")
        assert await owner(core, "mobile", "+201001234567") is None
        assert await core.column("SELECT value FROM observation WHERE retired = 1") == ["+201001234567"]
        before = await state(core)
        core.clock.advance(MINUTE)
        await core.send(customer("web:ann", mobile="+201007654321"))
        assert await state(core) == before


async def test_a_key_that_moves_leaves_its_former_owner(tmp_path: Path) -> None:
    """`move_to_newest`: the last word about a number counts."""
    async with with_rules(tmp_path, **one_mobile("move_to_newest")) as core:
        await core.send(customer("web:ann", mobile="+201001234567"))
        core.clock.advance(MINUTE)
        await core.send(customer("web:bob", mobile="+201007654321"))
        core.clock.advance(MINUTE)
        await core.send(customer("web:bob", mobile="+201001234567"))
        bob = await core.profile_of("web:bob")
        assert bob != await core.profile_of("web:ann")
        assert await owner(core, "mobile", "+201001234567") == bob
        held = await core.rows(
            "SELECT r.customer_id, o.retired FROM observation o JOIN record r ON r.record_id = o.record_id"
            " WHERE o.value = '+201001234567' ORDER BY 1"
        )
        assert held == [("ann", 1), ("bob", 0)]
        assert "identifier.taken" in await core.actions()


async def test_evidence_resolves_an_unknown_id_without_creating_a_profile(core: InProcessGateway) -> None:
    await core.send(customer("web:ann", email=ANN))
    accepted = await core.send(achieve("pos:17", email=ANN))
    assert isinstance(accepted, Accepted)
    assert accepted.resolution.decision == "attached"
    assert await core.profile_of("pos:17") == await core.profile_of("web:ann")
    assert says(email=ANN)[0].identifier in {
        Identifier(*row)
        for row in await core.rows(
            "SELECT type, value FROM observation WHERE record_id = ?", accepted.resolution.record_id
        )
    }
