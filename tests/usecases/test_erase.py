"""Erasure: everything that identifies a person is deleted; ledger and log stay without personal data."""

from pathlib import Path

from gateway.clock import DAY, MINUTE
from gateway.model import EraseCustomer, Erased, MergeProfiles, SplitProfile, UnknownCustomer
from tests.support.in_process_gateway import SHARE, InProcessGateway, achieve, caller, customer, erase, tags

ANN, PHONE, CITY = "ann@x.eg", "+201001234567", "Heliopolis"


async def a_life(core: InProcessGateway) -> None:
    """Two ids that became one person, with attributes, a tag, a grant and a promise."""
    await core.send(customer("web:ann-4711", {"city": CITY}, email=ANN))
    await core.send(customer("pos:till-0815", mobile=PHONE))
    await core.send(customer("web:ann-4711", email=ANN, mobile=PHONE))
    await core.send(tags("web:ann-4711", attach="vip"))
    await core.send(achieve("pos:till-0815", SHARE.id))
    await core.grant_later()
    await core.send(achieve("pos:till-0815", SHARE.id))


async def test_nothing_in_the_database_names_an_erased_person(core: InProcessGateway) -> None:
    await a_life(core)
    assert isinstance(await core.send(erase("pos:till-0815")), Erased)
    tables = await core.column("SELECT name FROM sqlite_master WHERE type = 'table'")
    stored = repr([await core.rows(f"SELECT * FROM {table}") for table in tables])
    for named in (ANN, PHONE, CITY, "ann-4711", "till-0815"):
        assert named not in stored, named


async def test_the_points_that_were_given_stay_in_the_ledger(core: InProcessGateway) -> None:
    await a_life(core)
    await core.send(erase("web:ann-4711"))
    assert await core.column("SELECT points FROM ledger") == [SHARE.points]


async def test_erasing_twice_finds_no_customer_the_second_time(core: InProcessGateway) -> None:
    await a_life(core)
    erased = await core.send(erase("web:ann-4711"))
    assert erased.records == 2
    assert await core.send(erase("web:ann-4711")) == UnknownCustomer()
    assert await core.send(erase("pos:till-0815")) == UnknownCustomer()
    assert (await core.actions()).count("customer.erased") == 1


async def test_an_operator_erases_by_profile_also_by_an_absorbed_one(core: InProcessGateway) -> None:
    await a_life(core)
    profiles = await core.column("SELECT profile_id FROM profile")
    (absorbed,) = await core.column("SELECT profile_id FROM profile WHERE redirect_to IS NOT NULL")
    outcome = await core.send(EraseCustomer(caller("", "req"), profile_id=absorbed))
    assert outcome == Erased(next(p for p in profiles if p != absorbed), 2)
    for profile_id in profiles:
        assert await core.send(EraseCustomer(caller(""), profile_id=profile_id)) == UnknownCustomer()
    assert await core.rows("SELECT * FROM profile") == []


async def test_a_customer_who_returns_starts_with_an_empty_profile(core: InProcessGateway) -> None:
    await a_life(core)
    before = await core.profile_of("web:ann-4711")
    await core.send(erase("web:ann-4711"))
    saved = await core.send(customer("web:ann-4711", email=ANN))
    assert saved.resolution.decision == "created"
    assert saved.resolution.profile_id != before
    assert await core.points_of("web:ann-4711") == 0
    assert await core.rows("SELECT * FROM tag") == await core.rows("SELECT * FROM attribute") == []
    assert await core.profile_of("pos:till-0815") is None


async def test_a_pending_achievement_of_an_erased_customer_is_ignored(core: InProcessGateway) -> None:
    await a_life(core)
    await core.send(erase("web:ann-4711"))
    await core.send(customer("web:ann-4711", email=ANN))
    await core.grant_later(DAY)
    assert await core.rows("SELECT state, reason FROM achievement ORDER BY achievement_id") == [
        ("granted", ""),
        ("ignored", "customer_unknown"),
    ]


async def test_values_shared_with_an_erased_person_stay_with_the_others(core: InProcessGateway) -> None:
    """A number on two profiles that a person was asked about."""
    await core.send(customer("web:ann", email=ANN, mobile="+201001234567"))
    await core.send(customer("web:bob", email=ANN, mobile="+201007654321"))
    await core.send(erase("web:ann"))
    assert await core.rows("SELECT * FROM review") == []
    core.clock.advance(MINUTE)
    await core.send(customer("web:bob", email=ANN, mobile="+201007654321"))
    bob = await core.profile_of("web:bob")
    assert await core.rows("SELECT value, owner_id FROM identifier_owner ORDER BY 1") == [
        ("+201007654321", bob),
        (ANN, bob),
    ]


async def test_erasure_survives_a_restart(tmp_path: Path) -> None:
    async with InProcessGateway(tmp_path) as core:
        await a_life(core)
        await core.send(erase("web:ann-4711"))
        await core.restart()
        assert await core.profile_of("web:ann-4711") is None


async def test_a_key_of_an_erased_owner_passes_to_another_profile_that_holds_it(
    core: InProcessGateway,
) -> None:
    """They were not joined, as their numbers differ; who states the address next meets the one who is left."""
    await core.send(customer("web:ann", email=ANN, mobile=PHONE))
    await core.send(customer("web:bob", email=ANN, mobile="+201007654321"))
    await core.send(erase("web:ann"))
    await core.regroup()
    await core.send(customer("pos:1", email=ANN))
    assert await core.profile_of("pos:1") == await core.profile_of("web:bob")


async def test_records_that_held_a_key_beside_its_owner_are_joined_once_the_owner_is_erased(
    core: InProcessGateway,
) -> None:
    await core.send(customer("web:ann", email=ANN, mobile=PHONE))
    await core.send(customer("web:bob", email=ANN, mobile="+201007654321"))
    await core.send(customer("pos:1", email=ANN, mobile="+201007654322"))
    assert len(await core.column("SELECT profile_id FROM profile")) == 3
    await core.send(erase("web:ann"))
    await core.regroup()
    (asked,) = await core.rows("SELECT profile_a, profile_b FROM review WHERE state = 'open'")
    assert set(asked) == {await core.profile_of("web:bob"), await core.profile_of("pos:1")}


async def test_words_about_a_pin_go_with_any_person_who_was_on_its_profiles(core: InProcessGateway) -> None:
    """A merge by hand pins two records together, but its reason may be about any other."""
    for who, email in (("web:ann", "ann@x.eg"), ("pos:1", "ann@x.eg"), ("web:bob", "bob@x.eg")):
        await core.send(customer(who, email=email))
    one, other = await core.profile_of("web:ann"), await core.profile_of("web:bob")
    assert one is not None
    assert other is not None
    await core.send(MergeProfiles(caller(""), (one, other), "the card of pos:1 says bob"))
    assert len(await core.rows("SELECT 1 FROM audit_words")) == 2
    (leaving,) = await core.column("SELECT record_id FROM record WHERE customer_id = '1'")
    await core.send(SplitProfile(caller(""), one, (leaving,), "plain", ""))
    await core.send(erase("pos:1"))
    assert await core.rows("SELECT words FROM audit_words") == []
