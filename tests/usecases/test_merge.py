"""Merges by hand, and what merges, splits and undos do with windows, rewards and the audit log."""

import asyncio
from collections.abc import Iterable
from typing import Any

from gateway.clock import MINUTE, SECOND
from gateway.ids import show
from gateway.model import (
    Accepted,
    AnswerReview,
    Duplicate,
    MergeProfiles,
    Refused,
    SetPin,
    SplitProfile,
    UndoMerge,
)
from tests.support.in_process_gateway import (
    VERSIONS,
    InProcessGateway,
    achieve,
    customer,
)
from tests.support.judgements import (
    ANN,
    PHONE,
    SAM,
    identity,
    merged,
    people,
    profile,
    record,
    rich,
    split,
    together,
    total,
    undone,
)


async def test_a_merge_by_hand_adds_balances_and_pins_together(core: InProcessGateway) -> None:
    await rich(core)
    before, ann = await total(core), await profile(core, "web:ann")
    shaped = await merged(core, "web:bob", "web:ann")
    assert (shaped.profile_id, shaped.changed) == (ann, True)
    assert await together(core, "ann", "bob")
    assert await core.points_of("web:bob") == before == await total(core) == 120
    assert await core.rows("SELECT kind, actor, reason FROM pin") == [
        ("must", "operator:sam", "they said so")
    ]
    assert (await core.actions())[-2:] == ["identity.merged", "pin.set"]


async def test_records_of_one_profile_are_not_merged_again(core: InProcessGateway) -> None:
    await rich(core)
    await merged(core, "web:ann", "web:bob")
    events = await core.actions()
    again = await merged(core, "web:ann", "web:bob")
    assert (again.changed, await core.actions()) == (False, events)


async def test_an_absorbed_id_merges_its_survivor(core: InProcessGateway) -> None:
    await people(core, ann={}, bob={}, cem={})
    bob = await profile(core, "web:bob")
    await merged(core, "web:ann", "web:bob")
    shaped = await core.send(MergeProfiles(SAM, (bob, await profile(core, "web:cem")), "same"))
    assert shaped.profile_id == await profile(core, "web:ann")
    assert await together(core, "ann", "bob", "cem")


async def test_a_profile_with_a_newer_version_is_not_changed(core: InProcessGateway) -> None:
    await people(core, ann={"email": ANN}, bob={"mobile": PHONE})
    (seen,) = [row[1] for row in await core.rows(VERSIONS) if row[0] == await profile(core, "web:ann")]
    await core.send(customer("pos:1", email=ANN))
    before = await identity(core)
    for refused in (
        await merged(core, "web:ann", "web:bob", version=seen),
        await split(core, "web:ann", version=seen),
    ):
        assert isinstance(refused, Refused)
        assert refused.code == "version_changed"
    assert await identity(core) == before


async def test_an_erased_customer_cannot_be_merged_split_or_pinned(core: InProcessGateway) -> None:
    await people(core, ann={})
    ann, mine = await profile(core, "web:ann"), await record(core, "web:ann")
    for command in (
        MergeProfiles(SAM, (ann, 7), ""),
        SplitProfile(SAM, 7, (mine,), "plain", ""),
        UndoMerge(SAM, 7, ""),
        SetPin(SAM, mine, 7, "must", ""),
        AnswerReview(SAM, 7, True, ""),
    ):
        refused = await core.send(command)
        assert isinstance(refused, Refused)
        assert refused.code == "not_found"


# ---- what was earned ----


async def test_windows_and_accepted_work_follow_their_record(core: InProcessGateway) -> None:
    await people(core, ann={"email": ANN}, bob={"mobile": PHONE})
    await merged(core, "web:ann", "web:bob")
    assert isinstance(await core.send(achieve("web:bob")), Accepted)
    assert isinstance(await core.send(achieve("web:ann")), Duplicate)
    await split(core, "web:bob")
    assert isinstance(await core.send(achieve("web:bob")), Duplicate)
    assert isinstance(await core.send(achieve("web:ann")), Accepted)
    await core.grant_later()
    assert (await core.points_of("web:ann"), await core.points_of("web:bob")) == (100, 100)


async def test_after_a_split_the_remaining_records_keep_the_window_that_ends_last(
    core: InProcessGateway,
) -> None:
    await people(core, ann={}, bob={}, cem={}, dan={})
    for who in ("web:bob", "web:cem", "web:dan", "web:ann"):
        await core.send(achieve(who))
        core.clock.advance(30 * SECOND)
    for one, other in (("web:cem", "web:dan"), ("web:bob", "web:cem"), ("web:ann", "web:bob")):
        await merged(core, one, other)
    await split(core, "web:dan")
    await split(core, "web:ann")
    core.clock.advance(3 * MINUTE)
    assert (await core.send(achieve("web:bob"))).wait == 30 * SECOND


async def test_a_once_only_campaign_counts_for_the_side_that_earned_it(core: InProcessGateway) -> None:
    await people(core, ann={"email": ANN}, bob={"mobile": PHONE})
    await merged(core, "web:ann", "web:bob")
    await core.send(achieve("web:bob"))
    await core.grant_later()
    await split(core, "web:bob")
    for who in ("web:ann", "web:bob"):
        await core.send(achieve(who))
    await core.grant_later()
    states = await core.column("SELECT state || ':' || reason FROM achievement ORDER BY achievement_id")
    assert states == ["granted:", "granted:", "ignored:limit_total"]
    assert (await core.points_of("web:ann"), await core.points_of("web:bob")) == (100, 100)


async def test_decisions_among_calls_of_one_batch_end_as_if_one_by_one(core: InProcessGateway) -> None:
    """A window that leaves a profile makes room for a new one in the same transaction."""
    await people(core, ann={"email": ANN}, bob={"mobile": PHONE}, cem={})
    ann, bob, cem = [await profile(core, f"web:{name}") for name in ("ann", "bob", "cem")]
    records = (await record(core, "web:bob"),)
    first = await merged(core, "web:ann", "web:bob")
    await core.send(achieve("web:bob"))
    outcomes = await asyncio.gather(
        core.send(SplitProfile(SAM, ann, records, "plain", "")),
        core.send(achieve("web:ann")),
        core.send(MergeProfiles(SAM, (ann, cem), "")),
        core.send(achieve("web:cem")),
        core.send(customer("app:x", email=ANN, mobile=PHONE)),
        core.send(UndoMerge(SAM, first.merge_id or 0, "")),
        core.send(achieve("web:bob")),
    )
    kinds = [type(outcome).__name__ for outcome in outcomes]
    assert kinds == ["Shaped", "Accepted", "Shaped", "Duplicate", "Saved", "Shaped", "Duplicate"]
    assert await together(core, "ann", "cem")
    assert await profile(core, "web:bob") == bob
    assert isinstance(await core.send(achieve("web:ann")), Duplicate)


async def test_the_log_of_a_decision_names_who_and_why(core: InProcessGateway) -> None:
    await people(core, ann={}, bob={})
    shaped = await merged(core, "web:ann", "web:bob")
    await undone(core, shaped.merge_id)
    events: Iterable[tuple[Any, ...]] = await core.rows(
        "SELECT action, actor, object, reason, detail FROM audit WHERE action LIKE 'identity.%' ORDER BY event_id DESC LIMIT 2"
    )
    (action, actor, subject, reason, detail), (_, _, merge, by, note) = events
    assert (action, actor, reason) == ("identity.split", "operator:sam", "undo")
    assert (by, subject, merge) == ("operator", merge, show("mrg", shaped.merge_id))
    assert "a mistake" not in detail
    assert "they said so" not in note
    said = await core.column("SELECT words FROM audit_words ORDER BY event_id")
    assert {'{"note":"they said so"}', '{"note":"a mistake"}'} <= set(said)
