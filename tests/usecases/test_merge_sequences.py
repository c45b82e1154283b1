"""Any sequence of calls, merges, splits and pins keeps the invariants: one owner a key, one profile a record, redirects in one
hop, pins obeyed, what was split apart, and not a point gained or lost (I1–I4, I10, I11, I17)."""

import asyncio
import tempfile
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.clock import HOUR, SECOND
from gateway.model import Caller, DropPin, MergeProfiles, Refused, SetPin, Shaped, SplitProfile, UndoMerge
from tests.support.in_process_gateway import SHARE, InProcessGateway, achieve, customer

SAM = Caller("", "", "operator:sam", "req_sam")
WHOS = [f"{channel}:{n}" for channel in ("web", "pos") for n in (1, 2, 3)]
EMAILS = ["a@x.eg", "b@x.eg", "c@x.eg"]
MOBILES = ["+201001234567", "+201007654321"]

evidence = st.fixed_dictionaries(
    {}, optional={"email": st.sampled_from(EMAILS), "mobile": st.sampled_from(MOBILES)}
)
calls = st.tuples(st.sampled_from(["save", "achieve"]), st.sampled_from(WHOS), evidence)
two = st.tuples(st.integers(0, 9), st.integers(0, 9))
merges = st.tuples(st.sampled_from(["merge", "merge_and_undo"]), two)
splits = st.tuples(
    st.just("split"),
    st.integers(0, 9),
    st.sampled_from(["plain", "tree", "all"]),
    st.sets(st.integers(0, 5), max_size=3),
)
undos = st.tuples(st.just("undo"), st.integers(0, 9), st.booleans())
pins = st.tuples(st.sampled_from(["must", "cannot", "drop"]), two)
steps = st.lists(
    st.one_of(calls, calls, merges, splits, undos, pins, st.just(("grant",))), min_size=4, max_size=14
)


_WINDOWS = """
SELECT d.expires_at, MAX(a.accepted_at) + ?1 FROM achievement a JOIN record r USING (record_id)
LEFT JOIN dedup d ON d.profile_id = r.profile_id AND d.campaign_id = a.campaign_id
GROUP BY r.profile_id, a.campaign_id HAVING MAX(a.accepted_at) + ?1 > ?2
"""
"""The end of each dedup window that is open, and the end that the newest acceptance on the profile's records asks for."""


class World:
    """A core under random decisions of operators, and which records a person told apart."""

    def __init__(self, core: InProcessGateway) -> None:
        self.core = core
        self.apart: set[frozenset[int]] = set()
        self.named: dict[int, tuple[str, int]] = {}

    async def homes(self) -> dict[int, int]:
        return dict(await self.core.rows("SELECT record_id, profile_id FROM record"))  # type: ignore[arg-type]

    async def chosen(self, sql: str, *places: int) -> list[int]:
        rows = await self.core.column(sql)
        return [rows[place % len(rows)] for place in places] if rows else []

    async def live(self, *places: int) -> list[int]:
        sql = "SELECT profile_id FROM profile WHERE redirect_to IS NULL ORDER BY 1"
        return await self.chosen(sql, *places)

    async def take(self, step: tuple[Any, ...]) -> None:
        self.core.clock.advance(SECOND)
        before = await self.homes()
        kind, *rest = step
        match kind:
            case "save":
                await self.core.send(customer(rest[0], **rest[1]))
            case "achieve":
                await self.core.send(achieve(rest[0], SHARE.id, **rest[1]))
            case "grant":
                await self.core.grant_later(HOUR)
            case "merge" | "merge_and_undo":
                await self.merge(rest[0], back=kind == "merge_and_undo")
            case "split":
                await self.split(*rest)
            case "undo":
                for merge_id in await self.chosen("SELECT merge_id FROM merge ORDER BY 1", rest[0]):
                    await self.core.send(UndoMerge(SAM, merge_id, "", rest[1]))
            case _:
                await self.pin(kind, rest[0])
        if kind in ("split", "undo"):
            self.note_split(before, await self.homes())

    async def merge(self, places: tuple[int, int], *, back: bool) -> None:
        pair = await self.live(*places)
        if not pair:
            return
        before = await self.given_back()
        shaped = await self.core.send(MergeProfiles(SAM, (pair[0], pair[1]), ""))
        if back and isinstance(shaped, Shaped) and shaped.merge_id is not None:
            homes = await self.homes()
            await self.core.send(UndoMerge(SAM, shaped.merge_id, ""))
            assert await self.given_back() == before  # I10
            self.note_split(homes, await self.homes())

    async def split(self, place: int, mode: Any, records: set[int]) -> None:
        for profile in await self.live(place):
            mine = [r for r, home in sorted((await self.homes()).items()) if home == profile]
            leaving = tuple(mine[number] for number in records if number < len(mine))
            await self.core.send(SplitProfile(SAM, profile, leaving, mode, ""))

    async def pin(self, kind: Any, places: tuple[int, int]) -> None:
        pair = await self.chosen("SELECT record_id FROM record ORDER BY 1", *places)
        if not pair:
            return
        if kind == "drop":
            await self.core.send(DropPin(SAM, pair[0], pair[1]))
            self.apart.discard(frozenset(pair))
            return
        outcome = await self.core.send(SetPin(SAM, pair[0], pair[1], kind, ""))
        if kind == "cannot" and not isinstance(outcome, Refused):
            self.apart.add(frozenset(pair))

    def note_split(self, before: dict[int, int], after: dict[int, int]) -> None:
        for a in before:
            for b in before:
                if before[a] == before[b] and after[a] != after[b]:
                    self.apart.add(frozenset((a, b)))

    async def given_back(self) -> list[Any]:
        return [
            await self.homes(),
            await self.core.rows(
                "SELECT profile_id, canonical_id FROM profile WHERE redirect_to IS NULL ORDER BY 1"
            ),
            await self.core.rows(
                "SELECT profile_id, campaign_id, achievement_id FROM dedup JOIN profile USING (profile_id)"
                " WHERE redirect_to IS NULL ORDER BY 1, 2"
            ),
        ]

    async def check(self) -> None:
        rows = self.core.rows
        live = {
            number for (number,) in await rows("SELECT profile_id FROM profile WHERE redirect_to IS NULL")
        }
        homes = await self.homes()
        assert set(homes.values()) == live  # I2, I4
        known = await self.core.names_lead_home(self.named)  # I23
        assert len({name for name, _ in known.values()}) == len(known)
        assert self.named.items() <= known.items()  # given once, for good
        self.named = known
        for redirect, target in await rows(
            "SELECT profile_id, redirect_to FROM profile WHERE redirect_to IS NOT NULL"
        ):
            assert target in live, redirect  # I3
        for state, owner, kind, value in await rows(
            "SELECT state, owner_id, type, value FROM identifier_owner"
        ):
            assert owner is None or (state == "normal" and owner in live), value  # I1
            holders = await rows(
                "SELECT record_id FROM observation WHERE type = ? AND value = ?", kind, value
            )
            assert owner is None or owner in {homes[record] for (record,) in holders}
        for a, b in await rows("SELECT record_a, record_b FROM pin WHERE kind = 'cannot'"):
            assert homes[a] != homes[b]  # I17
        for a, b in map(tuple, self.apart):
            assert homes[a] != homes[b]  # I11
        for end, expected in await rows(_WINDOWS, self.core.env.dedup_window, self.core.clock.now()):
            assert end == expected
        (granted,) = await self.core.column("SELECT COUNT(*) FROM achievement WHERE state = 'granted'")
        sums = await self.core.column(
            "SELECT SUM(l.points) FROM profile p JOIN record r USING (profile_id) JOIN ledger l USING (record_id)"
            " WHERE p.redirect_to IS NULL GROUP BY p.profile_id"
        )
        assert sum(sums) == granted * SHARE.points


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(steps)
def test_any_mix_of_calls_and_decisions_keeps_the_invariants(sequence: list[tuple[Any, ...]]) -> None:
    async def play() -> None:
        with tempfile.TemporaryDirectory() as directory:
            async with InProcessGateway(Path(directory)) as core:
                world = World(core)
                for number in (1, 2):
                    await core.send(customer(f"web:{number}", email=EMAILS[number]))
                for step in sequence:
                    await world.take(step)
                    await world.check()

    asyncio.run(play())


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(calls, min_size=2, max_size=10), two)
def test_an_undo_right_after_any_merge_gives_owners_back_too(
    sequence: list[tuple[Any, ...]], places: tuple[int, int]
) -> None:
    """I10 on what calls alone have made of the keys."""

    async def play() -> None:
        with tempfile.TemporaryDirectory() as directory:
            async with InProcessGateway(Path(directory)) as core:
                world = World(core)
                await core.send(customer("web:1", email=EMAILS[0]))
                for step in sequence:
                    await world.take(step)
                sql = "SELECT type, value, state, owner_id FROM identifier_owner ORDER BY 1, 2"
                before = await core.rows(sql)
                await world.merge(places, back=True)
                assert await core.rows(sql) == before

    asyncio.run(play())
