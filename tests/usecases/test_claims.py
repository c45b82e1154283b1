"""Claims decide nothing: they never change which records are together (I24), and never change an answer to another caller (I25);
once a trusted source states the same, it counts from then on."""

import asyncio
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.clock import DAY, HOUR
from gateway.model import Command, SaveCustomer
from gateway.usecases.claims import MOST_ATTRIBUTES, MOST_IDENTIFIERS
from rules.language.parse import preset
from tests.support.in_process_gateway import (
    InProcessGateway,
    achieve,
    active,
    claim,
    customer,
    default_rules,
    environment,
    erase,
    rule_set_of,
    tags,
)

ANN, BOB, PHONE, OTHER = "ann@x.eg", "bob@x.eg", "+201001234567", "+201007654321"
EMAILS = [f"person{n}@mail.example" for n in range(3)]
MOBILES = [f"+20100000000{n}" for n in range(3)]
PLACES = [f"{channel}:{n}" for channel in ("web", "pos") for n in range(4)]
VISITORS = [f"web:visitor-{n}" for n in range(3)]
TOGETHER = "SELECT id_space || ':' || customer_id, profile_id FROM record"
KEYS = "SELECT type, value, state, owner_id, holders FROM identifier_owner ORDER BY 1, 2"
CLAIMED = "SELECT c.type, c.value, c.source FROM claim AS c ORDER BY 1, 2"
VERIFIED_ONLY = rule_set_of(
    preset("email-or-mobile").replace('all_of = ["email"]\n', 'all_of = ["email"]\nneeds_verified = true\n')
)


async def test_a_claim_is_kept_beside_the_record_and_counts_for_nothing(core: InProcessGateway) -> None:
    await core.send(customer("web:ann", email=ANN))
    before = await core.rows(KEYS)
    saved = await core.send(claim("web:eve", {"displayName": "Ann"}, email=ANN, mobile=PHONE))
    assert saved.resolution.decision == "created"
    assert await core.profile_of("web:eve") != await core.profile_of("web:ann")
    assert await core.rows(KEYS) == before
    assert await core.rows(CLAIMED) == [("email", ANN, "public"), ("mobile", PHONE, "public")]
    assert await core.rows("SELECT name, value, source FROM claimed_attribute") == [
        ("displayName", '"Ann"', "public")
    ]
    assert await core.rows("SELECT * FROM attribute") == []
    assert await core.actions() == ["identity.created", "identity.created", "identity.claimed"]


async def test_the_audit_log_names_the_source_and_no_value_of_a_claim(core: InProcessGateway) -> None:
    await core.send(claim("web:eve", {"displayName": "Ann"}, email=ANN))
    (detail,) = await core.column("SELECT detail FROM audit WHERE action = 'identity.claimed'")
    told = msgspec.json.decode(detail)
    assert told["source"] == "public"
    assert "displayName" not in detail
    assert '{"attributes":["displayName"]}' in await core.column("SELECT words FROM audit_words")
    assert [(one["type"], one["mask"]) for one in told["claims"]] == [("email", "a***@x***.eg")]
    assert ANN not in detail


async def test_the_same_claim_again_changes_nothing(core: InProcessGateway) -> None:
    await core.send(claim("web:eve", {"city": "Giza"}, email=ANN))
    before = await core.rows("SELECT * FROM claim"), len(await core.actions())
    core.clock.advance(3 * DAY)
    await core.send(claim("web:eve", {"city": "Giza"}, email=ANN))
    assert (await core.rows("SELECT * FROM claim"), len(await core.actions())) == before


async def test_a_trusted_statement_replaces_a_claim_and_counts_from_then_on(
    core: InProcessGateway,
) -> None:
    await core.send(customer("pos:ann", email=ANN))
    await core.send(claim("web:ann", email=ANN))
    core.clock.advance(HOUR)
    saved = await core.send(customer("web:ann", email=ANN))
    assert saved.resolution.decision == "merged"
    assert await core.profile_of("web:ann") == await core.profile_of("pos:ann")
    assert await core.rows(CLAIMED) == []
    assert await core.column(
        "SELECT o.first_seen FROM observation AS o JOIN record AS r ON r.record_id = o.record_id"
        " WHERE r.id_space = 'web'"
    ) == [core.clock.now()]


async def test_a_statement_of_another_record_leaves_a_claim_unchanged(core: InProcessGateway) -> None:
    await core.send(claim("web:eve", email=ANN))
    await core.send(customer("web:ann", email=ANN))
    assert await core.profile_of("web:eve") != await core.profile_of("web:ann")
    assert await core.rows(CLAIMED) == [("email", ANN, "public")]


async def test_a_claim_neither_duplicates_nor_refreshes_a_statement_of_its_record(
    core: InProcessGateway,
) -> None:
    await core.send(customer("web:ann", email=ANN))
    before = await core.rows("SELECT * FROM observation")
    core.clock.advance(9 * DAY)
    await core.send(claim("web:ann", email=ANN))
    assert await core.rows("SELECT * FROM observation") == before
    assert await core.rows("SELECT * FROM claim") == []


async def test_attributes_and_the_guest_flag_of_a_claim_overwrite_nothing(core: InProcessGateway) -> None:
    await core.send(customer("web:ann", {"displayName": "Ann", "city": "Giza"}, guest=False))
    said = claim("web:ann", {"displayName": "Eve", "city": "Giza"})
    await core.send(msgspec.structs.replace(said, guest=True))
    assert await core.rows("SELECT name, value, source FROM attribute ORDER BY name") == [
        ("city", '"Giza"', "backend"),
        ("displayName", '"Ann"', "backend"),
    ]
    assert await core.rows("SELECT name, value FROM claimed_attribute") == [("displayName", '"Eve"')]
    assert await core.column("SELECT guest FROM record") == [0]


async def test_a_source_that_is_ignored_leaves_nothing_behind(core: InProcessGateway) -> None:
    await core.send(customer("web:ann", email=ANN))
    before = [await core.rows(f"SELECT * FROM {table}") for table in ("record", "observation", "claim")]
    for who in ("web:ann", "web:eve"):
        said = claim(who, {"city": "Giza"})
        ignored = msgspec.structs.replace(said.caller, trust="ignore")
        await core.send(msgspec.structs.replace(said, caller=ignored))
    assert [
        await core.rows(f"SELECT * FROM {table}") for table in ("record", "observation", "claim")
    ] == before


async def test_claims_of_one_record_are_bounded(core: InProcessGateway) -> None:
    for n in range(3 * MOST_IDENTIFIERS):
        core.clock.advance(1)
        await core.send(claim("web:eve", {f"custom.{n}": n, f"custom.{n}b": n}, email=f"p{n}@x.eg"))
    kept = {f"p{n}@x.eg" for n in range(2 * MOST_IDENTIFIERS, 3 * MOST_IDENTIFIERS)}
    assert {*await core.column("SELECT value FROM claim")} == kept
    assert await core.column("SELECT COUNT(*) FROM claim") == [MOST_IDENTIFIERS]
    assert await core.column("SELECT COUNT(*) FROM claimed_attribute") == [MOST_ATTRIBUTES]
    newest = f"p{3 * MOST_IDENTIFIERS - 1}@x.eg"
    assert newest in await core.column("SELECT value FROM claim")


async def test_an_erasure_deletes_the_claims_of_the_person(core: InProcessGateway) -> None:
    await core.send(claim("web:eve", {"city": "Giza"}, email=ANN))
    await core.send(erase("web:eve"))
    assert await core.rows("SELECT * FROM claim") == await core.rows("SELECT * FROM claimed_attribute") == []


async def test_a_rule_that_needs_verified_values_sees_a_claim_once_it_is_verified(tmp_path: Path) -> None:
    async with InProcessGateway(tmp_path, environment(rules=VERIFIED_ONLY)) as core:

        def verified(who: str) -> SaveCustomer:
            said = customer(who, email=ANN)
            return msgspec.structs.replace(
                said, evidence=tuple(item._replace(verified=True) for item in said.evidence)
            )

        await core.send(verified("web:ann"))
        await core.send(claim("pos:ann", email=ANN))
        assert await core.profile_of("pos:ann") != await core.profile_of("web:ann")
        await core.send(verified("pos:ann"))
        assert await core.profile_of("pos:ann") == await core.profile_of("web:ann")


# ---- over random sequences ----


def _values(said: Iterable[str]) -> dict[str, str]:
    kinds: dict[str, list[str]] = {"email": [], "mobile": []}
    for one in said:
        kinds["email" if "@" in one else "mobile"].append(one)
    return {kind: " ".join(values) for kind, values in kinds.items() if values}


_said = st.lists(st.sampled_from(EMAILS + MOBILES), max_size=2, unique=True).map(_values)
_attributes = st.fixed_dictionaries({}, optional={"displayName": st.sampled_from(["Ann", "Eve"])})


def trusted() -> st.SearchStrategy[Command]:
    places = st.sampled_from(PLACES)
    return st.one_of(
        st.builds(lambda who, given, said: customer(who, given, **said), places, _attributes, _said),
        st.builds(lambda who, given, said: customer(who, given, **said), places, _attributes, _said),
        st.builds(lambda who, said: achieve(who, **said), places, _said),
        st.builds(active, places, st.booleans()),
        st.builds(lambda who: tags(who, attach="vip"), places),
        st.builds(erase, places),
    )


_claims = st.builds(
    lambda who, given, said: claim(who, given, **said), st.sampled_from(PLACES + VISITORS), _attributes, _said
)
_steps = st.lists(st.tuples(trusted(), st.lists(_claims, max_size=3)), min_size=1, max_size=14)


async def _groups(core: InProcessGateway, but: str = "") -> set[frozenset[str]]:
    """Which records are together."""
    groups: dict[int, set[str]] = {}
    for place, profile_id in await core.rows(TOGETHER):
        if place != but:
            groups.setdefault(profile_id, set()).add(place)
    return {frozenset(group) for group in groups.values()}


@settings(max_examples=15, deadline=None)
@given(steps=_steps)
def test_i24_a_claim_never_changes_which_records_are_together(
    steps: list[tuple[Command, list[SaveCustomer]]],
) -> None:
    async def play(directory: str) -> None:
        async with InProcessGateway(Path(directory), environment(rules=default_rules())) as core:
            for command, claims in steps:
                await core.send(command)
                for one in claims:
                    place = f"{one.caller.id_space}:{one.customer_id}"
                    was_there = await core.profile_of(place) is not None
                    before = await _groups(core), await core.rows(KEYS)
                    await core.send(one)
                    assert (
                        await _groups(core, "" if was_there else place),
                        await core.rows(KEYS),
                    ) == before
                    if not was_there:
                        assert frozenset([place]) in await _groups(core)

    with tempfile.TemporaryDirectory() as directory:
        asyncio.run(play(directory))


@settings(max_examples=15, deadline=None)
@given(steps=_steps)
def test_i25_claims_never_change_any_answer_to_another_caller(
    steps: list[tuple[Command, list[SaveCustomer]]],
) -> None:
    """With claims of customers that are known, and of visitors that no other call names, every other answer is as without."""

    async def play(directory: str, *, with_claims: bool) -> list[Any]:
        answers: list[Any] = []
        async with InProcessGateway(Path(directory), environment(rules=default_rules())) as core:
            for command, claims in steps:
                answers.append(await core.send(command))
                for one in claims if with_claims else ():
                    place = f"{one.caller.id_space}:{one.customer_id}"
                    if place in VISITORS or await core.profile_of(place) is not None:
                        await core.send(one)
                core.clock.advance(HOUR)
                await core.grant()
            answers += await core.rows(
                "SELECT r.id_space, r.customer_id, r.profile_id, r.active, r.guest FROM record AS r"
                " WHERE r.customer_id NOT LIKE 'visitor%' ORDER BY r.record_id"
            )
            answers += await core.rows("SELECT campaign_id, state, reason FROM achievement ORDER BY 1, 2, 3")
            answers += await core.rows("SELECT record_id, name, value FROM attribute ORDER BY 1, 2")
            answers += await core.rows("SELECT state, reason, rule FROM review ORDER BY 1, 2, 3")
            answers += await core.rows(KEYS)
        return answers

    with tempfile.TemporaryDirectory() as one, tempfile.TemporaryDirectory() as other:
        plain = asyncio.run(play(one, with_claims=False))
        claimed = asyncio.run(play(other, with_claims=True))
    assert _renamed(claimed) == _renamed(plain)


def _renamed(answers: list[Any]) -> list[Any]:
    """Ids by the order in which they first appear."""
    names: dict[int, str] = {}

    def rename(value: Any) -> Any:
        match value:
            case bool() | str() | None:
                return value
            case int() if value > 10**15:
                return names.setdefault(value, f"#{len(names)}")
            case Mapping():
                return {key: rename(one) for key, one in value.items()}
            case list() | tuple():
                return [rename(one) for one in value]
            case msgspec.Struct():
                return [type(value).__name__, *map(rename, msgspec.structs.astuple(value))]
            case _:
                return value

    return [rename(answer) for answer in answers]


@pytest.mark.parametrize("stated", [True, False])
def test_the_control_a_statement_does_change_which_records_are_together(tmp_path: Path, stated: bool) -> None:
    async def play() -> bool:
        async with InProcessGateway(tmp_path) as core:
            await core.send(customer("web:ann", email=ANN))
            await core.send(customer("web:bob", mobile=PHONE))
            say = customer if stated else claim
            await core.send(say("web:eve", email=ANN, mobile=PHONE))
            return await core.profile_of("web:ann") == await core.profile_of("web:bob")

    assert asyncio.run(play()) is stated
