"""The probe of an engine: sound on PostgreSQL, and able to tell one that only says that it is serializable."""

import pytest

from gateway.clock import SystemClock
from gateway.probe import TRIALS, Unusable, probe
from gateway.store.postgres.hosts import hosts_of
from gateway.store.postgres.scratch import inside
from tests.support.postgresql import PostgresServer
from tests.support.weak_engine import weakened

_SCHEMAS = "SELECT count(*) FROM pg_namespace WHERE nspname LIKE 'gateway_probe_%'"


def ignore(race: str, done: int) -> None:
    pass


async def test_postgresql_holds_in_every_race_and_nothing_of_the_probe_is_left(
    postgres: PostgresServer,
) -> None:
    database = postgres.fresh()
    counted: list[str] = []
    found = await probe(
        [postgres.url(database)] * 3, SystemClock(), 12, lambda race, done: counted.extend([race] * done)
    )
    assert [(one.race, one.rounds, one.violations) for one in found.held] == [
        (race, 12, 0) for race in TRIALS
    ]
    assert found.is_sound
    assert len(counted) == 12 * len(TRIALS)
    assert postgres.sql(_SCHEMAS, database).strip() == "0"
    assert postgres.sql("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'", database).strip() == "0"


async def test_an_engine_that_is_not_serializable_is_found_out(postgres: PostgresServer) -> None:
    database = postgres.fresh()
    async with weakened(postgres.directory) as socket:
        found = await probe([f"postgresql://gateway@/{database}?host={socket}"], SystemClock(), 25, ignore)
    broken = {one.race for one in found.held if one.violations}
    assert not found.is_sound
    assert {"write skew: two updates", "write skew: two inserts"} <= broken
    assert broken & set(TRIALS[:5]), "the gateway's own races see it too"


async def test_a_database_that_cannot_be_reached_is_said_to_be_so(postgres: PostgresServer) -> None:
    with pytest.raises(Unusable, match="does not exist"):
        await probe([postgres.url("nowhere")], SystemClock(), 1, ignore)


def test_a_url_of_several_hosts_is_one_for_each() -> None:
    assert hosts_of("postgresql://u:p@a,b:5433,[::1]/db?x=1") == [
        "postgresql://u:p@a/db?x=1",
        "postgresql://u:p@b:5433/db?x=1",
        "postgresql://u:p@[::1]/db?x=1",
    ]


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("postgresql://a/db", "postgresql://a/db?search_path=s"),
        ("postgresql://u@/db?host=/tmp/x", "postgresql://u@/db?host=%2Ftmp%2Fx&search_path=s"),
        ("postgresql://a/db?search_path=mine", "postgresql://a/db?search_path=s"),
    ],
)
def test_the_scratch_schema_takes_the_place_of_the_owners(url: str, expected: str) -> None:
    assert inside(url, "s") == expected
