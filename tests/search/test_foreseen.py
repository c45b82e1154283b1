"""What a plan and a dry run tell is what a search then does (I21), in invented shops and on both engines."""

import asyncio
from collections.abc import Iterable
from pathlib import Path

import msgspec
import pytest

from gateway.http.gameball.identifiers import identify
from gateway.ids import show
from gateway.model import EndSearch, Refused, SaveCustomer, Search, StartSearch
from gateway.processes.plan import planned
from gateway.simulate.labelled import Labelled, as_labelled
from gateway.simulate.registrations import registrations
from gateway.simulate.shapes import SHAPES
from gateway.store.queries.suggestions import search as stored_search
from gateway.workers.searching import Searcher
from rules.language.parse import preset
from rules.normalize import Normalizer
from rules.ruleset import RuleSet
from tests.support.in_process_gateway import InProcessGateway, caller, environment, rule_set_of
from tests.support.postgresql import PostgresServer
from tests.support.regrouping import OPERATOR

PEOPLE = 60
RESPLITS = '\n[conflict]\nresplit = "auto"\n'
"""Otherwise a walk asks about what the plan counts as split."""
MERGES = '\n[suggest]\noutcome = "merge"\nmerge_at = 0.99\n'
Pair = tuple[int, int]


def rules_of(name: str) -> RuleSet:
    return rule_set_of(preset(name) + RESPLITS + MERGES)


def shop(shape: str, seed: int) -> list[Labelled]:
    return list(as_labelled(registrations(SHAPES[shape], PEOPLE, seed)))


async def register(core: InProcessGateway, rows: Iterable[Labelled]) -> None:
    normalizer = Normalizer(core.env.rules)
    for row in rows:
        evidence = identify(row.identifiers, row.region, normalizer).evidence
        said = {name: msgspec.json.encode(text).decode() for name, text in row.attributes.items()}
        core.clock.advance(1_000)
        await core.send(SaveCustomer(caller(row.channel), row.customer_id, tuple(evidence), said))


async def searched(core: InProcessGateway, *, dry: bool = False) -> Search:
    """A search in a process of its own, from its start to its end."""
    started = await core.send(StartSearch(OPERATOR, core.env.rules.sha256, dry))
    assert isinstance(started, Search)
    searcher = Searcher(core.store, core.pipeline, core.url, core.env.rules, OPERATOR, started)
    await searcher.run(core.clock.now())
    found = await stored_search(core.store, started.search_id)
    assert found is not None
    assert (found.state, found.failure) == ("done", "")
    return found


async def groups_of(core: InProcessGateway) -> set[frozenset[int]]:
    found: dict[int, set[int]] = {}
    for record_id, profile_id in await core.rows("SELECT record_id, profile_id FROM record"):
        found.setdefault(profile_id, set()).add(record_id)
    return {frozenset(group) for group in found.values()}


def joined(groups: Iterable[frozenset[int]], pairs: Iterable[Pair]) -> set[frozenset[int]]:
    found = set(groups)
    for pair in pairs:
        together = {group for group in found if not group.isdisjoint(pair)}
        found = (found - together) | {frozenset[int]().union(*together)}
    return found


@pytest.mark.timeout(900)
@pytest.mark.parametrize(
    ("engine", "name", "shape", "seed"),
    [
        ("sqlite", "email-or-mobile", "retail", 2),
        ("sqlite", "email-or-mobile", "household", 3),
        ("sqlite", "retail", "ecommerce", 4),
        ("postgres", "retail", "typo-heavy", 5),
    ],
)
async def test_i21_a_search_merges_what_its_dry_run_and_the_plan_of_its_rules_told(
    tmp_path: Path, database_url: str, name: str, shape: str, seed: int
) -> None:
    rules = rules_of(name)
    before = rule_set_of(preset(name))
    async with InProcessGateway(tmp_path, environment(rules=before), url=database_url) as core:
        await register(core, shop(shape, seed))
        plan = await asyncio.to_thread(planned, database_url, rules, core.clock.now())
        await core.use(rules)
        await core.regroup()
        groups = await groups_of(core)
        foreseen = await searched(core, dry=True)
        assert await groups_of(core) == groups
        done = await searched(core)
        assert 0 < done.merged == foreseen.merged == plan.by_score
        merges = {(one.record_a, one.record_b) for one in foreseen.foreseen if one.merges}
        assert await groups_of(core) == joined(groups, merges)
        assert merges == {*await core.rows("SELECT record_a, record_b FROM pin WHERE actor = 'gateway'")}
        asked = {(one.record_a, one.record_b) for one in foreseen.foreseen if not one.merges}
        assert asked == {
            *await core.rows(
                "SELECT record_a, record_b FROM suggestion WHERE review_id <> 0 AND merge_id IS NULL"
            )
        }


async def test_of_two_searches_that_begin_at_once_in_two_gateways_one_runs_and_the_other_is_told(
    tmp_path: Path, postgres: PostgresServer
) -> None:
    url = postgres.url(await postgres.empty())
    async with InProcessGateway(tmp_path, url=url) as one, InProcessGateway(tmp_path, url=url) as other:
        for _ in range(10):
            made = await asyncio.gather(*(core.send(StartSearch(OPERATOR, "sha")) for core in (one, other)))
            [running] = [each for each in made if isinstance(each, Search)]
            [refused] = [each for each in made if isinstance(each, Refused)]
            assert refused.code == "search_running"
            assert show("srh", running.search_id) in refused.message
            assert await one.rows("SELECT COUNT(*) FROM search WHERE state = 'running'") == [(1,)]
            await one.send(EndSearch(OPERATOR, msgspec.structs.replace(running, state="done")))
