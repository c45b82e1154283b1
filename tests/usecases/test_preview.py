"""A dry run changes nothing, and tells what the real command does right after it."""

import asyncio
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.model import (
    AnswerReview,
    Command,
    DropPin,
    Effects,
    EraseCustomer,
    Erased,
    MergeProfiles,
    Preview,
    Refused,
    SetPin,
    Shaped,
    SplitProfile,
    UndoAnswer,
    UndoMerge,
)
from tests.support.in_process_gateway import InProcessGateway, customer, environment
from tests.support.properties import ANY_HEALTH
from tests.usecases.test_merge_sequences import SAM, World, splits, steps

TOPICS: tuple[str, ...] = ("profile.created", "profile.merged", "profile.split", "review.opened")
answers = st.one_of(
    st.tuples(st.just("answer"), st.integers(0, 9), st.booleans()),
    st.tuples(st.just("take back"), st.integers(0, 9)),
)
pins = st.tuples(st.sampled_from(["must", "cannot", "drop"]), st.tuples(st.integers(0, 9), st.integers(0, 9)))
commands = st.one_of(
    st.tuples(st.just("merge"), st.tuples(st.integers(0, 9), st.integers(0, 9))),
    st.tuples(st.just("undo"), st.integers(0, 9), st.booleans()),
    splits,
    answers,
    answers,
    pins,
    st.tuples(st.just("erase"), st.integers(0, 9)),
)
TABLES = (
    *("profile", "record", "observation", "identifier_state", "merge", "pin", "review", "delivery", "audit"),
    *("dedup", "regrouping", "erasure", "attribute", "audit_words"),
)


async def everything(core: InProcessGateway) -> dict[str, list[Any]]:
    return {table: sorted(await core.rows(f"SELECT * FROM {table}"), key=repr) for table in TABLES}


class State:
    """What effects are about, as it is in the database."""

    def __init__(self) -> None:
        self.live: dict[int, tuple[Any, ...]] = {}
        self.ends: dict[int, int] = {}
        self.owners: dict[tuple[str, str], int] = {}
        self.reviews: dict[int, tuple[Any, ...]] = {}
        self.pins: dict[tuple[int, int], tuple[Any, ...]] = {}
        self.undone: set[int] = set()
        self.deliveries: Counter[tuple[str, str]] = Counter()

    @classmethod
    async def of(cls, core: InProcessGateway) -> "State":
        state, rows = cls(), core.rows
        homes: dict[int, list[int]] = {}
        for record_id, profile_id in await rows("SELECT record_id, profile_id FROM record ORDER BY 1"):
            homes.setdefault(profile_id, []).append(record_id)
        points = dict(await core.rows("SELECT record_id, SUM(points) FROM ledger GROUP BY record_id"))  # type: ignore[arg-type]
        for number, changes, target, name in await rows(
            "SELECT profile_id, changes, redirect_to, canonical_id FROM profile"
        ):
            state.ends[number] = target or number
            if target is None:
                mine = tuple(homes[number])
                total = sum(points.get(one, 0) for one in mine)
                state.live[number] = (changes + len(mine), name, total, mine)
        for kind, value, owner in await rows("SELECT type, value, owner_id FROM identifier_owner"):
            if owner is not None:
                state.owners[kind, value] = owner
        for number, *rest in await rows("SELECT review_id, profile_a, profile_b, state, reason FROM review"):
            state.reviews[number] = tuple(rest)
        for a, b, *rest in await rows(
            "SELECT record_a, record_b, kind, expires_at, actor, reason, created_at FROM pin"
        ):
            state.pins[a, b] = tuple(rest)
        state.undone = set(await core.column("SELECT merge_id FROM merge WHERE undone_at IS NOT NULL"))
        for target, kind, payload in await rows("SELECT target, kind, payload FROM delivery"):
            state.deliveries[target, msgspec.json.decode(payload)["type"] if kind == "event" else kind] += 1
        return state


def check(told: Effects, before: State, after: State) -> dict[int, int]:
    """Each part of the effects against the difference of two states; the ids of new profiles that were told, by the ids that
    they got."""
    came = sorted(after.ends.keys() - before.ends.keys())
    names = dict(zip(came, sorted(p.profile_id for p in told.profiles if p.is_new), strict=True))

    def name(profile_id: Any) -> Any:
        return names.get(profile_id, profile_id)

    assert {p.profile_id: (p.version, p.canonical_id, p.points, p.records) for p in told.profiles} == {
        name(number): (version, canonical.replace(f"{number:016x}", f"{name(number):016x}"), *rest)
        for number, (version, canonical, *rest) in after.live.items()
        if before.live.get(number) != (version, canonical, *rest)
    }
    assert dict(told.leads) == {
        number: name(after.ends.get(number))
        for number, end in before.ends.items()
        if after.ends.get(number) != end
    }
    assert {tuple(k.identifier): (k.before, k.after) for k in told.keys} == {
        key: (before.owners.get(key), name(after.owners.get(key)))
        for key in {*before.owners, *after.owners}
        if before.owners.get(key) != after.owners.get(key)
    }
    assert sorted((*r.profiles, r.state, r.reason) for r in told.reviews) == sorted(
        (*map(name, (a, b)), state, reason)
        for number, (a, b, state, reason) in _reviews_after(before, after).items()
        if before.reviews.get(number) != (a, b, state, reason)
    )
    assert {(p.record_a, p.record_b): p.is_set for p in told.pins} == {
        pair: pair in after.pins
        for pair in {*before.pins, *after.pins}
        if before.pins.get(pair) != after.pins.get(pair)
    }
    assert {*told.undone} == after.undone - before.undone
    assert Counter(map(tuple, told.sendings)) == after.deliveries - before.deliveries
    return names


def _reviews_after(before: State, after: State) -> dict[int, tuple[Any, ...]]:
    erased = {n: (a, b, "erased", why) for n, (a, b, _, why) in before.reviews.items()}
    return {**erased, **after.reviews}


async def command_of(world: World, step: tuple[Any, ...]) -> Command[Any] | None:
    core = world.core
    match step:
        case ("merge", places):
            pair = await world.live(*places)
            return MergeProfiles(SAM, (pair[0], pair[1]), "")
        case ("undo", place, tree):
            chosen = await world.chosen("SELECT merge_id FROM merge ORDER BY 1", place)
            return UndoMerge(SAM, chosen[0], "", tree) if chosen else None
        case ("split", place, mode, numbers):
            (profile,) = await world.live(place)
            mine = await core.column("SELECT record_id FROM record WHERE profile_id = ? ORDER BY 1", profile)
            return SplitProfile(SAM, profile, tuple(mine[n] for n in numbers if n < len(mine)), mode, "")
        case ("answer", place, accept):
            chosen = await world.chosen("SELECT review_id FROM review ORDER BY 1", place)
            return AnswerReview(SAM, chosen[0], accept, "") if chosen else None
        case ("take back", place):
            chosen = await world.chosen("SELECT review_id FROM review ORDER BY state = 'open', 1", place)
            return UndoAnswer(SAM, chosen[0], "") if chosen else None
        case ("must" | "cannot" | "drop" as kind, places):
            one, other = await world.chosen("SELECT record_id FROM record ORDER BY 1", *places)
            return DropPin(SAM, one, other) if kind == "drop" else SetPin(SAM, one, other, kind, "")
        case _:
            (profile,) = await world.live(step[1])
            return EraseCustomer(SAM, profile_id=profile)


def same(outcome: Any, real: Any, names: dict[int, int]) -> bool:
    if not isinstance(real, Shaped):
        return outcome == real
    parts = tuple(names.get(part, part) for part in real.parts)
    return msgspec.structs.replace(outcome, merge_id=None) == msgspec.structs.replace(
        real, merge_id=None, parts=parts
    )


@settings(max_examples=40, deadline=None, suppress_health_check=ANY_HEALTH)
@given(steps, st.lists(commands, min_size=1, max_size=4))
def test_a_dry_run_tells_what_the_command_does_right_after(
    sequence: list[tuple[Any, ...]], wanted: list[tuple[Any, ...]]
) -> None:
    async def play() -> None:
        env = environment(subscribers=dict.fromkeys(TOPICS, ("crm",)), forwards=True)
        with tempfile.TemporaryDirectory() as directory:
            async with InProcessGateway(Path(directory), env) as core:
                world = World(core)
                await core.send(customer("web:1", email="a@x.eg", mobile="+201001234567"))
                await core.send(customer("pos:2", email="b@x.eg", mobile="+201007654321"))
                for step in sequence:
                    await world.take(step)
                for step in wanted:
                    if not await core.column("SELECT 1 FROM profile LIMIT 1"):
                        return
                    await see(world, step)

    asyncio.run(play())


async def see(world: World, step: tuple[Any, ...]) -> None:
    core, command = world.core, await command_of(world, step)
    if command is None:
        return
    core.clock.advance(1_000)
    before, rows = await State.of(core), await everything(core)
    outcome, told = await core.pipeline.preview(command)
    assert await everything(core) == rows
    real = await core.send(command)
    names = check(told, before, await State.of(core))
    assert same(outcome, real, names)


async def test_a_preview_among_calls_keeps_its_neighbours_and_stores_nothing(tmp_path: Path) -> None:
    async with InProcessGateway(tmp_path) as core:
        await core.send(customer("web:1", email="a@x.eg"))
        profile = await core.profile_of("web:1")
        erase = EraseCustomer(SAM, profile_id=profile)
        saved, previewed, also = await asyncio.gather(
            core.send(customer("web:1", mobile="+201001234567")),
            core.send(Preview(erase)),
            core.send(customer("web:2", email="c@x.eg")),
        )
        assert isinstance(previewed.outcome, Erased)
        assert (saved.changed, also.changed) == (True, True)
        assert await core.profile_of("web:1") == profile
        assert await core.profile_of("web:2")
        assert "customer.erased" not in await core.actions()


async def test_a_dry_run_of_an_answer_that_is_refused_or_given_changes_nothing(tmp_path: Path) -> None:
    async with InProcessGateway(tmp_path) as core:
        await core.send(customer("web:1", email="a@x.eg"))
        outcome, told = await core.pipeline.preview(AnswerReview(SAM, 1, True, ""))
        assert (outcome, told) == (Refused("not_found", "There is no such review."), Effects())
        (profile,) = await core.column("SELECT profile_id FROM profile")
        outcome, told = await core.pipeline.preview(MergeProfiles(SAM, (profile, profile), ""))
        assert (outcome, told) == (Shaped(profile, 1, changed=False), Effects())
