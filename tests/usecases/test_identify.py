"""Whom a forwarded call is about: learnt in the pipeline, and read without it when there is nothing to learn."""

import asyncio
import tempfile
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.clock import DAY, HOUR
from gateway.model import Identified, Identify, MergeProfiles, UnknownCustomer
from gateway.store.identities import Question, holder_of, known, names_in
from rules.identifier import Evidence, Identifier
from tests.support.in_process_gateway import InProcessGateway, caller, customer, erase, says

ANN, PHONE = "ann@x.eg", "+201001234567"
TABLES = ("record", "observation", "identifier_owner", "profile", "review", "merge", "audit")


def identify(who: str, *, may_create: bool = True, guest: bool | None = None, **evidence: str) -> Identify:
    channel, _, customer_id = who.partition(":")
    return Identify(caller(channel), customer_id, says(**evidence), may_create, guest)


async def read(house: InProcessGateway, call: Identify) -> Identified | None:
    """What the fast path says."""
    question = Question(call.caller.id_space, call.customer_id, call.evidence, call.guest, call.claims)
    return await known(house.store, house.env.policy, question, house.clock.now())


async def stored(house: InProcessGateway) -> list[object]:
    return [await house.rows(f"SELECT * FROM {table}") for table in TABLES]


async def test_a_new_customer_is_created_and_named(house: InProcessGateway) -> None:
    found = await house.send(identify("web:ann", email=ANN))
    assert (found.resolution.decision, found.canonical_id) == ("created", "ann")


async def test_who_is_recognised_goes_under_the_id_that_the_upstream_knows(house: InProcessGateway) -> None:
    await house.send(identify("web:ann", email=ANN))
    found = await house.send(identify("pos:17", email=ANN))
    assert (found.resolution.decision, found.canonical_id) == ("attached", "ann")


async def test_a_call_that_may_not_create_leaves_nothing_behind(house: InProcessGateway) -> None:
    before = await stored(house)
    assert await house.send(identify("web:ann", may_create=False, email=ANN)) == UnknownCustomer()
    assert await stored(house) == before


async def test_evidence_on_any_call_may_join_two_profiles(house: InProcessGateway) -> None:
    await house.send(identify("web:ann", email=ANN))
    await house.send(identify("pos:17", mobile=PHONE))
    found = await house.send(identify("pos:17", email=ANN, mobile=PHONE))
    assert (found.resolution.decision, found.canonical_id) == ("merged", "ann")
    assert (await read(house, identify("web:ann"))) == await house.send(identify("web:ann"))


async def test_a_guest_who_registers_is_none_from_then_on(house: InProcessGateway) -> None:
    await house.send(identify("web:ann", guest=True))
    assert await read(house, identify("web:ann")) is not None
    assert await read(house, identify("web:ann", guest=False)) is None
    await house.send(identify("web:ann", guest=False))
    assert await house.column("SELECT guest FROM record") == [0]
    assert (await house.actions())[-1] == "customer.updated"
    assert await read(house, identify("web:ann", guest=False)) is not None


async def test_nothing_new_is_known_without_the_pipeline_and_changes_nothing(house: InProcessGateway) -> None:
    await house.send(customer("web:ann", email=ANN, mobile=PHONE))
    before = await stored(house)
    for call in (identify("web:ann"), identify("web:ann", mobile=PHONE), identify("web:ann", email=ANN)):
        answered = await read(house, call)
        assert answered == await house.send(call) != None  # noqa: E711
    assert await stored(house) == before


async def test_news_is_left_to_the_pipeline(house: InProcessGateway) -> None:
    await house.send(customer("web:ann", email=ANN))
    assert await read(house, identify("web:bob")) is None
    assert await read(house, identify("web:ann", mobile=PHONE)) is None
    proven = (Evidence(Identifier("email", ANN), verified=True),)
    assert await read(house, Identify(caller("web"), "ann", proven, may_create=True)) is None


async def test_that_a_value_was_seen_again_is_noted_once_a_day(house: InProcessGateway) -> None:
    call = identify("web:ann", email=ANN)
    await house.send(call)
    house.clock.advance(23 * HOUR)
    assert await read(house, call) is not None
    house.clock.advance(2 * HOUR)
    assert await read(house, call) is None
    await house.send(call)
    assert await read(house, call) is not None
    assert await house.column("SELECT last_seen FROM observation") == [house.clock.now()]


async def test_a_record_that_was_merged_elsewhere_in_the_same_batch_is_followed(
    house: InProcessGateway,
) -> None:
    for who in ("web:ann", "pos:17"):
        await house.send(identify(who))
    a, b = await house.column("SELECT profile_id FROM profile ORDER BY 1")
    merged, found = await asyncio.gather(
        house.send(MergeProfiles(caller(), (a, b), "")), house.send(identify("pos:17"))
    )
    assert (found.resolution.profile_id, found.canonical_id) == (merged.profile_id, "ann")


WHO = ["web:ann", "web:bob", "pos:17"]
CALLS = st.builds(
    identify,
    st.sampled_from(WHO),
    may_create=st.booleans(),
    guest=st.sampled_from([None, None, True, False]),
    email=st.sampled_from(["", ANN, "bob@x.eg"]),
    mobile=st.sampled_from(["", PHONE]),
)


@settings(max_examples=25, deadline=None)
@given(st.lists(st.one_of(CALLS, CALLS, st.sampled_from([HOUR, 2 * DAY]), st.sampled_from(WHO)), max_size=12))
def test_the_fast_path_decides_exactly_as_the_pipeline(steps: list[Identify | int | str]) -> None:
    async def check() -> None:
        with tempfile.TemporaryDirectory() as directory:
            async with InProcessGateway(Path(directory)) as house:
                for step in steps:
                    if isinstance(step, int):
                        house.clock.advance(step)
                    elif isinstance(step, str):
                        await house.send(erase(step))
                    else:
                        await compare(house, step)

    asyncio.run(check())


async def compare(house: InProcessGateway, call: Identify) -> None:
    before, guessed = await stored(house), await read(house, call)
    found = await house.send(call)
    if guessed is not None:
        assert guessed == found
        assert await stored(house) == before


# ---- the way back ----


async def test_an_absorbed_canonical_id_still_leads_to_its_person(house: InProcessGateway) -> None:
    await house.send(identify("web:ann"))
    await house.send(identify("pos:17"))
    a, b = await house.column("SELECT profile_id FROM profile ORDER BY 1")
    merged = await house.send(MergeProfiles(caller(), (a, b), ""))
    assert await holder_of(house.store, "ann") == await holder_of(house.store, "17") == merged.profile_id
    assert await holder_of(house.store, "nobody") is None
    assert await names_in(house.store, "pos", ["ann", "17", "nobody"]) == {"ann": "17", "17": "17"}


async def test_each_channel_sees_its_own_ids(house: InProcessGateway) -> None:
    await house.send(identify("web:ann", email=ANN))
    for who in ("pos:17", "pos:18"):
        await house.send(identify(who, email=ANN))
    await house.send(identify("pos:19"))
    names = {space: await names_in(house.store, space, ["ann", "19"]) for space in ("web", "pos", "app")}
    assert names == {"web": {"ann": "ann"}, "pos": {"ann": "17", "19": "19"}, "app": {}}


async def test_a_list_of_any_length_is_mapped(house: InProcessGateway) -> None:
    for number in range(3):
        await house.send(identify(f"pos:{number}"))
    found = await names_in(house.store, "pos", [str(number) for number in range(1_200)])
    assert found == {str(number): str(number) for number in range(3)}
