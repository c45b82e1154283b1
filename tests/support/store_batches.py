"""Batches that tests run on a store directly, and the rows that they make."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from gateway.audit.event import Action
from gateway.audit.verify import verifier_of
from gateway.clock import DAY, MINUTE
from gateway.ids import show
from gateway.model import (
    Achievement,
    Claim,
    ClaimedAttribute,
    CustomerRecord,
    Dedup,
    Due,
    LedgerEntry,
    ReviewItem,
)
from gateway.store import Store, Work
from gateway.store.queries.audit import checkpoints, links
from gateway.store.tables import TABLES
from gateway.workingset import WorkingSet
from rules.identifier import Identifier
from rules.record import Key, Observation, Profile
from tests.support.in_process_gateway import CHECKPOINT_KEY

Open = Callable[[], Awaitable[Store]]
Ask = Callable[[WorkingSet], object]
Do = Callable[[WorkingSet], object]
EMAIL = Identifier("email", "ann@x.eg")
MOBILE = Identifier("mobile", "+201001234567")
FAR = 1 << 62
LONGER_THAN_A_BATCH = 2 * MINUTE
"""Where several processes write, the look-ups follow once no older batch can still be on its way."""


@dataclass(eq=False)
class Batch:
    """A unit of work made of two functions; `seen` is the working set that it was given."""

    ask: Ask
    do: Do
    seen: WorkingSet | None = None

    def wants(self, ws: WorkingSet) -> None:
        self.ask(ws)

    def process(self, ws: WorkingSet) -> None:
        self.seen = ws
        self.do(ws)


@dataclass
class Series:
    """Batches that wait; `done` are those that are on disk."""

    waiting: list[Batch]
    done: list[Work]

    def next(self) -> Batch | None:
        return self.waiting.pop(0) if self.waiting else None

    def stored(self, work: Work) -> None:
        self.done.append(work)


def ask_for_ann(ws: WorkingSet) -> None:
    ws.records.want(("web", "ann"))


def nothing(_: object) -> None:
    """Asks for nothing, changes nothing."""


async def run(store: Store, do: Do = nothing, ask: Ask = nothing) -> WorkingSet:
    batch = Batch(ask, do)
    await store.run(batch)
    assert batch.seen is not None
    return batch.seen


async def look(store: Store, ask: Ask) -> WorkingSet:
    return await run(store, ask=ask)


async def loaded_profile(store: Store, profile_id: int) -> Profile:
    ws = await look(store, lambda ws: ws.profiles.want(profile_id))
    return ws.profile(profile_id)


def person(ws: WorkingSet, *places: str, guest: bool = False) -> tuple[Profile, list[CustomerRecord]]:
    """A profile with a record for each `<id space>:<customer id>`."""
    split = [(space, customer_id) for space, _, customer_id in (place.partition(":") for place in places)]
    profile = ws.create_profile()
    ws.touch_profile(profile)
    return profile, [ws.create_record(profile, space, customer_id, guest) for space, customer_id in split]


def observe(ws: WorkingSet, record: CustomerRecord, identifier: Identifier, owner: int | None) -> Observation:
    seen = Observation(identifier, ws.now, ws.now)
    record.observations[identifier] = seen
    ws.touch_observation(record, seen)
    ws.keys.put(identifier, Key(identifier, "normal", owner, 1))
    ws.touch_key(ws.keys[identifier])
    return seen


def meet(ws: WorkingSet, record: CustomerRecord) -> None:
    """The record is one more that holds the e-mail; its owner does not change."""
    record.observations[EMAIL] = Observation(EMAIL, ws.now, ws.now)
    ws.touch_observation(record, record.observations[EMAIL])
    ws.hold(EMAIL, record)


def achievement(ws: WorkingSet, record_id: int, campaign_id: int = 7, due_in: int = 0) -> Achievement:
    return Achievement(
        ws.next_id(), record_id, campaign_id, "accepted", "", "web", "req", ws.now, ws.now + due_in
    )


def entry(ws: WorkingSet, of: Achievement, points: int = 100, score: int = 10) -> LedgerEntry:
    return LedgerEntry(
        of.record_id, of.campaign_id, ws.next_id(), "reward", of.achievement_id, points, score, "", ws.now
    )


def everything_asked_for(ws: WorkingSet, target: str = "upstream") -> None:
    """One of each thing that can be asked for; deliveries are claimed for `target`."""
    ws.records.want(("web", "ann"))
    ws.keys.want(Identifier("email", "ann@x.eg"))
    ws.holders.want_since(Identifier("email", "ann@x.eg"), 0)
    ws.profiles.want(1)
    ws.redirects.want(1)
    ws.want_window(2, 7)
    ws.answers.want(("web", "route", "key"))
    ws.achievements.want(1)
    ws.budgets.want(7)
    ws.merges.want(1)
    ws.absorptions.want(1)
    ws.homes.want(1)
    ws.review_items.want(1)
    ws.splits.want(1)
    ws.whole_splits.want(1)
    ws.suggestions.want((1, 2))
    ws.searches.want(1)
    ws.live_searches.want(1)
    ws.imports.want("x")
    ws.changed_by_import.want(("x", 0, 1))
    ws.canonical_ids.want("4711")
    ws.platform_events.want("key")
    ws.deliveries.want(1)
    ws.sendings.want(1)
    ws.claimable.want((target, 20))
    ws.counted.want(1)
    ws.regroupings.want(1)
    ws.lists.want("stores")
    ws.attributes.want(1)
    ws.claims.want(1)
    ws.keys_of_channel.want("web")
    ws.jobs.want(1)
    ws.unended_jobs.want(1)
    ws.operators.want("ann")
    ws.sessions_of.want("ann")
    ws.rule_sets.want("1")
    ws.due.want((1, frozenset({"tags", "score", "attributes"})))
    wanted = {name for name, collection in ws.collections.items() if collection.wanted}
    assert wanted == {table.collection for table in TABLES if table.load is not None}


async def due_now(store: Store, details: frozenset[str] = frozenset()) -> list[Due]:
    ws = await look(store, lambda ws: ws.due.want((9, details)))
    return ws.due[9, details]


async def keys_as_looked_up(store: Store) -> list[Key]:
    """The key of the e-mail in four ways: loaded alone, with a record that holds it, with its profile, and from the table.
    One if all agree."""
    alone = (await look(store, lambda ws: ws.keys.want(EMAIL))).key(EMAIL)
    state, owner = (await look(store, lambda ws: ws.records.want(("web", "1")))).ownerships[EMAIL]
    of_profile = await look(store, lambda ws: want_with_profile(ws, ("web", "1")))
    rows = await store.fetch("SELECT state, owner_id, holders FROM identifier_owner")
    found = [
        alone,
        Key(EMAIL, state, owner, alone.holders),
        of_profile.key(EMAIL),
        *(Key(EMAIL, *row) for row in rows),
    ]
    return [key for n, key in enumerate(found) if key not in found[:n]]


def redirect(ws: WorkingSet, absorbed: int, survivor: int) -> None:
    ws.profiles[absorbed].redirect_to = survivor
    ws.absorbed.add(len(ws.absorbed.added), (absorbed, survivor))
    ws.touch_profile(ws.profiles[absorbed])


async def populated(store: Store) -> WorkingSet:
    """One profile with everything that a profile can have, an absorbed one behind it, and a stranger."""

    def save(ws: WorkingSet) -> None:
        profile, (record,) = person(ws, "web:ann")
        absorbed, _ = person(ws, "pos:17")
        stranger, _ = person(ws, "web:bob")
        observe(ws, record, EMAIL, profile.profile_id)
        ws.set_attribute(record, "city", '"Giza"')
        ws.set_attribute(record, "firstName", '"Ann"')
        ws.keep_claim(record, MOBILE, Claim("public", ws.now))
        ws.keep_claimed_attribute(record, "city", ClaimedAttribute('"Cairo"', "public", ws.now))
        ws.set_tag(record, "vip")
        ws.set_window(profile.profile_id, 7, Dedup(1, ws.now, ws.now + 1))
        pair = (profile.profile_id, stranger.profile_id)
        item = ReviewItem(ws.next_id(), *pair, "open", "rule:email", "email", (), ws.now)
        ws.reviews[pair] = item
        ws.touch_review(item)
        won = achievement(ws, record.record_id)
        ws.accept(won)
        ws.enter(entry(ws, won))
        ws.by_record_id[next(iter(absorbed.records))].profile_id = profile.profile_id
        profile.records |= absorbed.records
        absorbed.records.clear()
        redirect(ws, absorbed.profile_id, profile.profile_id)

    return await run(store, save)


def want_with_profile(ws: WorkingSet, place: tuple[str, str]) -> None:
    if ws.records.want(place) and (record := ws.record(*place)) is not None:
        ws.profiles.want(record.profile_id)


def want_whole(ws: WorkingSet, profile_id: int) -> None:
    """The profile with the attributes of its records, which hold their names."""
    if ws.profiles.want(profile_id) and profile_id in ws.profiles:
        ws.attributes.want_all(ws.profiles[profile_id].records)


def forget(ws: WorkingSet, profile_id: int) -> None:
    for record in ws.profile(profile_id).records.values():
        for identifier in record.observations:
            ws.key(identifier).holders -= 1
            ws.touch_key(ws.key(identifier))
    ws.forget(ws.profile(profile_id))


class Mistake(Exception):
    """What a use case may raise."""


async def breaches(store: Store, key: bytes = CHECKPOINT_KEY) -> list[str]:
    points = await checkpoints(store)
    verifier = verifier_of(key, points)
    found = [breach.what async for chunk in links(store) for breach in verifier.feed(chunk)]
    return found + [breach.what for breach in verifier.check()]


def log(ws: WorkingSet, count: int = 3) -> None:
    for n in range(count):
        ws.record_event(
            Action.CUSTOMER_UPDATED,
            profile=show("prf", n),
            subject=show("rec", 100 + n),
            request_id=f"req-{n}",
            detail={"n": n},
        )


def queue(ws: WorkingSet, count: int = 1, target: str = "upstream") -> None:
    for number in range(count):
        ws.queue(target, 7, "achievement", number, "{}", give_up_after=DAY)
