"""Questions about one thing must not walk a table, whatever its size: the plans of the real statements, as the engine makes
them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Any

import pytest

from gateway.clock import DAY, HOUR, MINUTE
from gateway.ids import read
from gateway.store import Store, gateway_reads
from gateway.store.queries import (
    activity,
    audit,
    generic_values,
    imports,
    jobs,
    merges,
    odd_profiles,
    operators,
    outbox,
    overview,
    people,
    profiles,
    record_history,
    review_people,
    reviews,
)
from gateway.store.queries.achievements import WantedAchievements, WantedRetries, achievements, undecided
from gateway.store.queries.audit import WantedEvents
from gateway.store.queries.generic_values import WantedValues
from gateway.store.queries.merges import WantedMerges
from gateway.store.queries.outbox import WantedDeliveries
from gateway.store.queries.profiles import SearchTerms, Wanted
from gateway.store.queries.reviews import WantedReviews
from gateway.store.sqlite import SqliteStore
from gateway.store.tables.regrouping import newest_regroupings
from rules.identifier import Identifier
from tests.support.people import one_person

if TYPE_CHECKING:
    from tests.support.running_gateway import RunningGateway

NEWEST = (1 << 63) - 1
VALUES = [Identifier("email", "a@b.c"), Identifier("mobile", "+201000000100")]


async def everything(rows: AsyncIterator[object]) -> list[object]:
    return [row async for row in rows]


BOUNDED = tuple(
    f"SCAN {name}"
    for name in (
        "path",
        "family",
        "CONSTANT ROW",
        "rules",
        "days",
        "c",
        "looked_at",
        "wanted",
        "2 CONSTANT ROWS",
        "first",
        "called",
        "found",
        "(subquery",
    )
)
"""Parts of a statement that name what they read over an index, and how much of it."""


class Explaining:
    """Reads, and keeps the plan of every statement it is given."""

    def __init__(self, store: Store) -> None:
        self.plan: list[str] = []
        self._store = store
        self._explain = "EXPLAIN QUERY PLAN" if isinstance(store, SqliteStore) else "EXPLAIN"

    async def fetch(self, sql: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        steps = await self._store.fetch(f"{self._explain} {sql}", parameters)
        self.plan += [step[-1] for step in steps]
        return await self._store.fetch(sql, parameters)

    def walks(self) -> list[str]:
        """What is read from end to end."""
        return [step for step in self.plan if step.startswith("SCAN") or "Seq Scan" in step]


QUESTIONS: dict[str, Callable[[Any, int], Awaitable[object]]] = {
    "events of a profile": lambda store, profile: audit.events(
        store, WantedEvents(profiles=["prf_1", "prf_2"]), None, 51, newest_first=True
    ),
    "events of an object": lambda store, profile: audit.events(
        store, WantedEvents(object="ach_1"), 9, 51, newest_first=False
    ),
    "events of a request": lambda store, profile: audit.events(
        store, WantedEvents(request_id="req_1", since=1), None, 51, newest_first=True
    ),
    "achievements of a profile": lambda store, profile: achievements(
        store, WantedAchievements(profile_id=profile), NEWEST, 51
    ),
    "profiles by identifier": lambda store, profile: profiles.find(
        store, Wanted(identifiers=[[Identifier("email", "a@b.c")]]), NEWEST, 51, 20
    ),
    "profiles by customer id": lambda store, profile: profiles.find(
        store, Wanted(records=[[("web", "1")]]), NEWEST, 51, 20
    ),
    "profiles by anything": lambda store, profile: profiles.find(
        store,
        Wanted(anything=SearchTerms([Identifier("email", "a@b.c")], [("web", "1")], "4711", ["ann", "li"])),
        NEWEST,
        51,
        20,
    ),
    "attributes of a profile": lambda store, profile: profiles.attributes_of(store, profile),
    "identifiers of a profile": lambda store, profile: profiles.count_identifiers(store, profile),
    "tags of a profile": lambda store, profile: profiles.tags_of(store, profile),
    "the oldest records of a profile": lambda store, profile: profiles.load(store, profile, 200),
    "a survivor": lambda store, profile: profiles.survivor_of(store, profile),
    "an absorbed family": lambda store, profile: profiles.ids_leading_to(store, profile),
    "merges": lambda store, profile: merges.merges_into(store, [profile, 2]),
    "the past of a profile": lambda store, profile: record_history.steps(store, profile),
    "the plan of a rule file": lambda store, profile: operators.planned_at(store, "sha"),
    "one merge": lambda store, profile: merges.merge(store, 2),
    "merges by rule": lambda store, profile: merges.merges(store, WantedMerges(rule="email"), NEWEST, 50),
    "merges by actor": lambda store, profile: merges.merges(
        store, WantedMerges(actor="channel:web", rule="email", since=1, until=2), NEWEST, 50
    ),
    "merges that were undone": lambda store, profile: merges.merges(
        store, WantedMerges(state="undone"), NEWEST, 50
    ),
    "merges of an import": lambda store, profile: merges.merges(
        store, WantedMerges(requests=["req_1", "req_2"], since=1, until=2), NEWEST, 50
    ),
    "requests of an import": lambda store, profile: merges.requests_of(store, "0123456789abcdef"),
    "merges a day": lambda store, profile: merges.counts(store, 1, 2),
    "reviews by rule": lambda store, profile: reviews.reviews(
        store, WantedReviews(state="open", rule="email", reason="points"), NEWEST, 50
    ),
    "reviews by reason": lambda store, profile: reviews.reviews(
        store, WantedReviews(state="open", reason="points", id_space="web", since=1, until=2), NEWEST, 50
    ),
    "people asked about": lambda store, profile: review_people.people_asked(
        store, WantedReviews(), "evidence", (NEWEST, NEWEST), 50
    ),
    "people asked about by rule": lambda store, profile: review_people.people_asked(
        store, WantedReviews(rule="email", id_space="web", since=1), "evidence", (NEWEST, NEWEST), 50
    ),
    "people asked about by reason": lambda store, profile: review_people.people_asked(
        store, WantedReviews(reason="points", rule="email"), "evidence", (NEWEST, NEWEST), 50
    ),
    "people asked about with points": lambda store, profile: review_people.people_asked(
        store, WantedReviews(rule="email", until=1 << 50), "points", (NEWEST, NEWEST), 50
    ),
    "what people are called": lambda store, profile: people.names(store, [profile, 2]),
    "the first records of people": lambda store, profile: people.first_records(store, [profile, 2]),
    "where profiles lead": lambda store, profile: people.homes(store, [profile, 2]),
    "reports that failed": lambda store, profile: undecided(store, WantedRetries(state="failed"), NEWEST, 51),
    "reports that were given up": lambda store, profile: undecided(
        store, WantedRetries(state="dead", campaign_id=1, since=1, until=2), NEWEST, 51
    ),
    "deliveries that wait": lambda store, profile: outbox.stuck_deliveries(
        store, WantedDeliveries(state="held", target="upstream", since=1, until=2), NEWEST, 51
    ),
    "values that newly join too many": lambda store, profile: generic_values.generic_values(
        store, WantedValues(since=1, until=1 << 50), NEWEST, 51
    ),
    "values of a type that newly join too many": lambda store, profile: generic_values.generic_values(
        store, WantedValues(type="mobile"), NEWEST, 51
    ),
    "what values would join": lambda store, profile: generic_values.reach(store, VALUES),
    "who holds values": lambda store, profile: generic_values.members(store, VALUES),
    "what waits for webhooks": lambda store, profile: outbox.waiting_for(store, ["webhook:a", "webhook:b"]),
    "the past of some records": lambda store, profile: record_history.steps(store, profile, [profile]),
    "values by their ids": lambda store, profile: generic_values.values_of(store, [1, 2]),
    "open reviews": lambda store, profile: reviews.open_reviews(store, profile),
}

ABOUT_THE_SYSTEM: dict[str, Callable[[Any], Awaitable[object]]] = {
    "activity of a day": lambda store: activity.activity(store, None, 0, DAY, MINUTE),
    "activity of channels": lambda store: activity.activity_of_channels(store, 0, DAY, DAY),
    "last calls": activity.last_calls,
    "what became of achievements": lambda store: activity.funnels(store, 0, DAY),
    "what rules did": lambda store: activity.hits(store, "0123", 0, DAY, HOUR),
    "what failed": overview.failed,
    "deliveries for a person": overview.deliveries_for_a_person,
    "walks under way": overview.open_walks,
    "small regroupings": overview.small_regroupings,
    "the newest walks": newest_regroupings,
    "new values that join too many": lambda store: generic_values.count_since(store, 1),
    "distrusted jobs": jobs.count_distrusted,
    "what is due": lambda store: gateway_reads.what_is_due(store, NEWEST),
    "jobs that are due": lambda store: everything(jobs.due_jobs(store, NEWEST)),
    "odd profiles": odd_profiles.odd_profiles,
    "jobs": lambda store: jobs.jobs(store, NEWEST, 51),
    "open reviews by reason": gateway_reads.open_reviews,
    "imports": lambda store: imports.runs(store, (1, "a"), 51),
    "a stored plan": lambda store: operators.plan_of(store, "sha"),
}
OF_WHAT_IS_OPEN = (
    "achievement_dead",
    "achievement_failed",
    "delivery_for_a_person",
    "job_failed",
    "job_running",
    "odd_profile_by_number",
    "regrouping_of_too_many",
    "regrouping_open",
    "regrouping_walk",
    "review_open",
)
"""Indexes that have no more rows than there are things to count."""


async def test_the_system_is_counted_in_indexes_of_what_is_open(gateway: RunningGateway) -> None:
    for question, ask in ABOUT_THE_SYSTEM.items():
        explaining = Explaining(gateway.services.store)
        await ask(explaining)
        walked = [step for step in explaining.walks() if not step.endswith(OF_WHAT_IS_OPEN)]
        walked = [step for step in walked if not step.startswith(BOUNDED)]
        assert (question, bool(explaining.plan), walked) == (question, True, [])


async def test_a_question_about_one_thing_uses_an_index(
    gateway: RunningGateway, subtests: pytest.Subtests
) -> None:
    survivor, _ = await one_person(gateway.services)
    for name, ask in QUESTIONS.items():
        explaining = Explaining(gateway.services.store)
        with subtests.test(name):
            await ask(explaining, read("prf", survivor) or 0)
            assert explaining.plan
            assert [step for step in explaining.walks() if not step.startswith(BOUNDED)] == []
