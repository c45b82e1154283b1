"""Whom a forwarded call is about: learnt in the pipeline, and read without it when there is nothing to learn."""

import asyncio
import tempfile
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.clock import DAY, HOUR
from gateway.model import Identified, Identify, MergeProfiles, UnknownCustomer
from gateway.store.identities import Lookup, holder_of, known, names_in
from rules.identifier import Evidence, Identifier
from tests.support.in_process_gateway import InProcessGateway, caller, customer, erase, says

ANN, PHONE = "ann@x.eg", "+201001234567"
TABLES = ("record", "observation", "identifier_owner", "profile", "review", "merge", "audit")


def identify(who: str, *, may_create: bool = True, guest: bool | None = None, **evidence: str) -> Identify:
    channel, _, customer_id = who.partition(":")
    return Identify(caller(channel), customer_id, says(**evidence), may_create, guest)


async def read(core: InProcessGateway, call: Identify) -> Identified | None:
    """What the fast path says."""
    lookup = Lookup(call.caller.id_space, call.customer_id, call.evidence, call.guest, call.claims)
    return await known(core.store, core.env.policy, lookup, core.clock.now())


async def stored(core: InProcessGateway) -> list[object]:
    return [await core.rows(f"SELECT * FROM {table}") for table in TABLES]


async def test_a_new_customer_is_created_and_named(core: InProcessGateway) -> None:
    found = await core.send(identify("web:ann", email=ANN))
    assert (found.resolution.decision, found.canonical_id) == ("created", "ann")


async def test_a_recognised_customer_has_the_id_that_the_upstream_knows(core: InProcessGateway) -> None:
    await core.send(identify("web:ann", email=ANN))
    found = await core.send(identify("pos:17", email=ANN))
    assert (found.resolution.decision, found.canonical_id) == ("attached", "ann")


async def test_a_call_that_may_not_create_leaves_nothing_behind(core: InProcessGateway) -> None:
    before = await stored(core)
    assert await core.send(identify("web:ann", may_create=False, email=ANN)) == UnknownCustomer()
    assert await stored(core) == before


async def test_evidence_on_any_call_may_join_two_profiles(core: InProcessGateway) -> None:
    await core.send(identify("web:ann", email=ANN))
    await core.send(identify("pos:17", mobile=PHONE))
    found = await core.send(identify("pos:17", email=ANN, mobile=PHONE))
    assert (found.resolution.decision, found.canonical_id) == ("merged", "ann")
    assert (await read(core, identify("web:ann"))) == await core.send(identify("web:ann"))


async def test_a_guest_who_registers_is_no_longer_a_guest(core: InProcessGateway) -> None:
    await core.send(identify("web:ann", guest=True))
    assert await read(core, identify("web:ann")) is not None
    assert await read(core, identify("web:ann", guest=False)) is None
    await core.send(identify("web:ann", guest=False))
    assert await core.column("SELECT guest FROM record") == [0]
    assert (await core.actions())[-1] == "customer.updated"
    assert await read(core, identify("web:ann", guest=False)) is not None


async def test_a_call_without_news_is_resolved_without_the_pipeline_and_changes_nothing(
    core: InProcessGateway,
) -> None:
    await core.send(customer("web:ann", email=ANN, mobile=PHONE))
    before = await stored(core)
    for call in (identify("web:ann"), identify("web:ann", mobile=PHONE), identify("web:ann", email=ANN)):
        answered = await read(core, call)
        assert answered == await core.send(call) != None  # noqa: E711
    assert await stored(core) == before


async def test_news_is_left_to_the_pipeline(core: InProcessGateway) -> None:
    await core.send(customer("web:ann", email=ANN))
    assert await read(core, identify("web:bob")) is None
    assert await read(core, identify("web:ann", mobile=PHONE)) is None
    proven = (Evidence(Identifier("email", ANN), verified=True),)
    assert await read(core, Identify(caller("web"), "ann", proven, may_create=True)) is None


async def test_that_a_value_was_seen_again_is_noted_once_a_day(core: InProcessGateway) -> None:
    call = identify("web:ann", email=ANN)
    await core.send(call)
    core.clock.advance(23 * HOUR)
    assert await read(core, call) is not None
    core.clock.advance(2 * HOUR)
    assert await read(core, call) is None
    await core.send(call)
    assert await read(core, call) is not None
    assert await core.column("SELECT last_seen FROM observation") == [core.clock.now()]


async def test_a_record_that_was_merged_elsewhere_in_the_same_batch_is_followed(
    core: InProcessGateway,
) -> None:
    for who in ("web:ann", "pos:17"):
        await core.send(identify(who))
    a, b = await core.column("SELECT profile_id FROM profile ORDER BY 1")
    merged, found = await asyncio.gather(
        core.send(MergeProfiles(caller(), (a, b), "")), core.send(identify("pos:17"))
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
            async with InProcessGateway(Path(directory)) as core:
                for step in steps:
                    if isinstance(step, int):
                        core.clock.advance(step)
                    elif isinstance(step, str):
                        await core.send(erase(step))
                    else:
                        await compare(core, step)

    asyncio.run(check())


async def compare(core: InProcessGateway, call: Identify) -> None:
    before, guessed = await stored(core), await read(core, call)
    found = await core.send(call)
    if guessed is not None:
        assert guessed == found
        assert await stored(core) == before


# ---- the way back ----


async def test_an_absorbed_canonical_id_still_leads_to_its_person(core: InProcessGateway) -> None:
    await core.send(identify("web:ann"))
    await core.send(identify("pos:17"))
    a, b = await core.column("SELECT profile_id FROM profile ORDER BY 1")
    merged = await core.send(MergeProfiles(caller(), (a, b), ""))
    assert await holder_of(core.store, "ann") == await holder_of(core.store, "17") == merged.profile_id
    assert await holder_of(core.store, "nobody") is None
    assert await names_in(core.store, "pos", ["ann", "17", "nobody"]) == {"ann": "17", "17": "17"}


async def test_each_channel_sees_its_own_ids(core: InProcessGateway) -> None:
    await core.send(identify("web:ann", email=ANN))
    for who in ("pos:17", "pos:18"):
        await core.send(identify(who, email=ANN))
    await core.send(identify("pos:19"))
    names = {space: await names_in(core.store, space, ["ann", "19"]) for space in ("web", "pos", "app")}
    assert names == {"web": {"ann": "ann"}, "pos": {"ann": "17", "19": "19"}, "app": {}}


async def test_a_list_of_any_length_is_mapped(core: InProcessGateway) -> None:
    for number in range(3):
        await core.send(identify(f"pos:{number}"))
    found = await names_in(core.store, "pos", [str(number) for number in range(1_200)])
    assert found == {str(number): str(number) for number in range(3)}
