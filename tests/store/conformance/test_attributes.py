"""Where a value came from, claims, attributes and tags: stored and loaded again."""

import pytest

from gateway.clock import HOUR
from gateway.model import Claim, ClaimedAttribute, Claims
from gateway.store import Store
from gateway.workingset import WorkingSet
from tests.support.in_process_gateway import NOON, ManualClock
from tests.support.store_batches import (
    EMAIL,
    look,
    nothing,
    observe,
    person,
    run,
)


async def test_an_observation_and_an_attribute_keep_their_source(store: Store) -> None:
    def save(ws: WorkingSet) -> None:
        profile, (record,) = person(ws, "web:ann")
        observe(ws, record, EMAIL, profile.profile_id).source = "import"
        ws.set_attribute(record, "city", '"Giza"', "session")

    await run(store, save)
    loaded = (await look(store, lambda ws: ws.records.want(("web", "ann")))).record("web", "ann")
    assert loaded is not None
    assert loaded.observations[EMAIL].source == "import"
    assert await store.fetch("SELECT source FROM attribute") == [("session",)]


async def test_claims_are_kept_by_record_and_are_no_holders_of_a_key(
    store: Store, clock: ManualClock
) -> None:
    def save(ws: WorkingSet) -> None:
        profile, (ann, _) = person(ws, "web:ann", "web:eve")
        observe(ws, ann, EMAIL, profile.profile_id)

    saved = await run(store, save)
    ann, eve = saved.by_record_id.values()
    profile_id = ann.profile_id
    given = ClaimedAttribute('"Giza"', "session", NOON)

    def claim(ws: WorkingSet) -> None:
        ws.keep_claim(eve, EMAIL, Claim("public", NOON))
        ws.keep_claimed_attribute(eve, "city", given)

    await run(store, claim, lambda ws: ws.claims.want(eve.record_id))
    ws = await look(store, lambda ws: [ws.claims.want(one.record_id) for one in (ann, eve)])
    assert ws.claims[ann.record_id] == Claims()
    assert ws.claims[eve.record_id] == Claims({EMAIL: Claim("public", NOON)}, {"city": given})
    key = (await look(store, lambda ws: ws.keys.want(EMAIL))).key(EMAIL)
    assert (key.holders, key.owner) == (1, profile_id)


async def test_a_claim_is_dropped_whether_it_was_loaded_or_not(store: Store) -> None:
    saved = await run(store, lambda ws: person(ws, "web:eve"))
    (eve,) = saved.by_record_id.values()
    for needs_of_drop in (nothing, lambda ws: ws.claims.want(eve.record_id)):
        await run(
            store,
            lambda ws: ws.keep_claim(eve, EMAIL, Claim("public", NOON)),
            lambda ws: ws.claims.want(eve.record_id),
        )
        await run(store, lambda ws: ws.drop_claim(eve, EMAIL), needs_of_drop)
        assert await store.fetch("SELECT * FROM claim") == []


async def test_attributes_are_kept_by_record_and_the_newest_value_stays(
    store: Store, clock: ManualClock
) -> None:
    def save(ws: WorkingSet) -> None:
        _, (web, pos) = person(ws, "web:ann", "pos:17")
        ws.set_attribute(web, "city", '"Giza"')
        ws.set_attribute(pos, "city", '"Cairo"')

    saved = await run(store, save)
    web, pos = saved.by_record_id.values()
    clock.advance(HOUR)
    await run(
        store,
        lambda ws: ws.set_attribute(web, "city", '"Luxor"'),
        lambda ws: ws.attributes.want(web.record_id),
    )
    ws = await look(store, lambda ws: [ws.attributes.want(r.record_id) for r in (web, pos)])
    assert ws.attributes.held == {web.record_id: {"city": '"Luxor"'}, pos.record_id: {"city": '"Cairo"'}}


TAG_EDITS: dict[str, tuple[str, set[str]]] = {
    "attach": ("+new", {"old", "new"}),
    "detach": ("-old", set()),
    "attach, then detach": ("+new -new", {"old"}),
    "detach, then attach": ("-old +old", {"old"}),
    "attach again": ("+old", {"old"}),
    "detach what is not there": ("-new", {"old"}),
}


@pytest.mark.parametrize(("edits", "left"), TAG_EDITS.values(), ids=TAG_EDITS.keys())
async def test_the_last_edit_of_a_tag_in_a_batch_counts(store: Store, edits: str, left: set[str]) -> None:
    saved = await run(store, lambda ws: ws.set_tag(person(ws, "web:ann")[1][0], "old"))
    (record,) = saved.by_record_id.values()

    def edit(ws: WorkingSet) -> None:
        for word in edits.split():
            (ws.set_tag if word[0] == "+" else ws.drop_tag)(record, word[1:])

    await run(store, edit, lambda ws: ws.attributes.want(record.record_id))
    ws = await look(store, lambda ws: ws.attributes.want(record.record_id))
    assert ws.tags.held == {record.record_id: left}
