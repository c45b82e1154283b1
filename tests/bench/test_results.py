"""What the benchmark computes rather than measures: spreads, ratios, schedules, requests, and its own results
and proof."""

import random
from contextlib import closing
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.bench.config import configuration
from gateway.bench.database import SqliteFile
from gateway.bench.errors import BenchError
from gateway.bench.figures import Figure, Target, poisson, quantile, ratios, spread
from gateway.bench.load import content_length
from gateway.bench.machine import Machine
from gateway.bench.normalise_rules import normalizer
from gateway.bench.options import FULL
from gateway.bench.population import add_backlog, build
from gateway.bench.results import SCHEMA_VERSION, medians, number, results, write
from gateway.bench.tables import Counts, Window, counts, grants_per_second, verify
from gateway.bench.workload import CHANNEL, Workload, achieve_request, person
from gateway.clock import HOUR
from gateway.config import load
from gateway.sqlite_library import sqlite3
from gateway.store.migrations import all_migrations

measurements = st.lists(st.floats(0.001, 1e6), min_size=1, max_size=50)


@given(measurements)
def test_a_spread_is_ordered_and_lies_within_the_values(values: list[float]) -> None:
    found = spread(values)
    order = [found.low, found.lower_quartile, found.median, found.upper_quartile, found.high]
    assert order == sorted(order)
    assert (found.low, found.high) == (min(values), max(values))


@pytest.mark.parametrize(
    ("values", "q", "expected"),
    [([7.0], 0.99, 7.0), ([1.0, 2.0], 0.5, 1.5), ([1.0, 2.0, 3.0], 0.5, 2.0), ([0.0, 10.0], 0.9, 9.0)],
)
def test_a_quantile_lies_between_its_neighbours(values: list[float], q: float, expected: float) -> None:
    assert quantile(values, q) == pytest.approx(expected)


def test_a_ratio_pairs_the_runs_of_one_round() -> None:
    assert ratios([3.0, 8.0], [10.0, 20.0]) == [0.3, 0.4]


def test_a_ratio_of_unequal_rounds_is_an_error() -> None:
    with pytest.raises(ValueError, match="longer"):
        ratios([1.0], [1.0, 2.0])


@given(st.floats(1.0, 500.0), st.integers())
def test_arrivals_are_in_order_and_inside_the_window(rate: float, seed: int) -> None:
    arrivals = list(poisson(rate, 2.0, random.Random(seed)))
    assert arrivals == sorted(arrivals)
    assert all(0 <= at < 2.0 for at in arrivals)


def test_arrivals_come_at_the_rate_with_the_spread_of_a_poisson_process() -> None:
    arrivals = list(poisson(1_000, 20.0, random.Random(7)))
    gaps = [later - earlier for earlier, later in pairwise(arrivals)]
    mean = sum(gaps) / len(gaps)
    deviation = (sum((gap - mean) ** 2 for gap in gaps) / len(gaps)) ** 0.5
    assert mean == pytest.approx(1e-3, rel=0.05)
    assert deviation == pytest.approx(mean, rel=0.05)


@pytest.mark.parametrize(
    ("target", "values", "verdict"),
    [
        (None, [1.0], None),
        (Target("at least", 0.3), [0.3], "met"),
        (Target("at least", 0.3), [0.29], "missed"),
        (Target("at least", 0.3), [0.20, 0.31, 0.32, 0.33, 0.34], "met"),
        (Target("at least", 0.3), [0.25, 0.26, 0.28, 0.29, 0.90], "missed"),
        (Target("at least", 0.3), [0.29, 0.29, 0.29, 0.31, 0.31], "too noisy to say"),
        (Target("at least", 0.3), [0.29, 0.29, 0.31, 0.31, 0.31], "too noisy to say"),
        (Target("at most", 5.0), [5.0], "met"),
        (Target("at most", 5.0), [3.0, 4.0, 4.5, 4.9, 63.0], "met"),
        (Target("at most", 5.0), [4.0, 60.0, 63.0, 63.0, 90.0], "missed"),
        (Target("at most", 5.0), [4.0, 4.9, 63.0, 64.0, 70.0], "too noisy to say"),
    ],
)
def test_a_verdict_is_the_medians_where_the_quartiles_agree_with_it(
    target: Target | None, values: list[float], verdict: str | None
) -> None:
    assert Figure("accept", "ratio", values, target).verdict == verdict


def test_only_a_missed_target_fails_a_gate() -> None:
    least = Target("at least", 0.3)
    figures = [
        Figure(name, "ratio", values, least)
        for name, values in (("met", [0.4]), ("missed", [0.2]), ("noisy", [0.2, 0.4]))
    ]
    machine = Machine("cpu", 2, "Linux 6", "ext4", 0.1, 0.2, 0.0, "3.11", "3.40", {})
    assert [figure.name for figure in results(machine, FULL, figures, {}, []).missed] == ["missed"]


@pytest.mark.parametrize(
    ("value", "shown"),
    [(0.4567, "0.46"), (12.34, "12.3"), (123.4, "123"), (16_337.2, "16,337"), (-0.5, "-0.50")],
)
def test_numbers_show_the_digits_that_mean_something(value: float, shown: str) -> None:
    assert number(value) == shown


def test_the_json_holds_the_schema_version_every_round_and_the_machine(tmp_path: Path) -> None:
    path = tmp_path / "bench.json"
    figure = Figure("accept", "ratio", [0.3, 0.5, 0.4], Target("at least", 0.3, goal=0.4))
    machine = Machine("cpu", 2, "Linux 6", "ext4", 0.1, 0.2, 0.0, "3.11", "3.40", {"aiohttp": "3"})
    write(results(machine, replace(FULL, json=path), [figure], {"grants": "lost a row"}, []), path)
    held = msgspec.json.decode(path.read_bytes())
    assert held["schema_version"] == SCHEMA_VERSION
    assert held["figures"][0]["values"] == [0.3, 0.5, 0.4]
    assert held["machine"]["libraries"] == {"aiohttp": "3"}
    assert held["options"]["json"] == str(path)
    assert held["void"] == {"grants": "lost a row"}
    assert medians(path) == {"accept": 0.4}


def test_no_pair_of_person_and_campaign_is_asked_for_twice(tmp_path: Path) -> None:
    workload = Workload.shuffled(people=20, pairs=90, order=tmp_path / "pairs", first=11)
    asked = [workload.requests(offset, 30) for offset in (0, 30, 60, 90)]
    assert [len(slice_) for slice_ in asked] == [30, 30, 30, 10]
    every = {achieve_request(person(who), campaign) for who in range(20) for campaign in range(11, 16)}
    assert {request for slice_ in asked for request in slice_} == every
    assert workload.last == 15


@given(st.integers(0, 9_999_998), st.integers(1, 1_000))
def test_a_request_says_how_long_its_body_is(who: int, campaign: int) -> None:
    head, _, body = achieve_request(person(who), campaign).partition(b"\r\n\r\n")
    assert content_length(head + b"\r\n\r\n", len(head)) == len(body)
    assert msgspec.json.decode(body)["challengeId"] == campaign


@given(st.integers(0, 9_999_998))
def test_a_person_is_stored_as_the_default_rules_normalise_them(who: int) -> None:
    normalize = normalizer().normalize
    _, email, mobile = person(who)
    for type_, written in (("email", email), ("mobile", mobile)):
        found = normalize(type_, written)
        assert (found.status, found.value, found.canonical) == ("ok", written, "")


def test_the_configuration_of_a_measured_gateway_is_valid(tmp_path: Path) -> None:
    path = tmp_path / "gateway.toml"
    path.write_text(
        configuration(
            listen=1,
            admin_listen=2,
            database=f"sqlite:///{tmp_path}/x.db",
            campaigns=3,
            grant_delay=("1h", "2h"),
        )
    )
    config = load(path, {})
    assert [campaign.id for campaign in config.campaigns] == [1, 2, 3]
    assert [channel.name for channel in config.channels] == [CHANNEL]
    assert config.achievements.grant_delay == (HOUR, 2 * HOUR)


def path_of(database: SqliteFile) -> str:
    return database.url.removeprefix("sqlite:///")


@pytest.fixture
def database(tmp_path: Path) -> SqliteFile:
    path = tmp_path / "gateway.db"
    with closing(sqlite3.connect(path)) as connection:
        for step in all_migrations():
            connection.executescript(step.sql)
    made = SqliteFile(path)
    build(made, 20)
    add_backlog(made, 10, 3)
    return made


def test_a_built_database_holds_every_customer_and_the_backlog(database: SqliteFile) -> None:
    assert counts(database) == Counts(30, 0, 0, 0, 0)
    verify(database, counts(database), accepted=0)


def test_an_accepted_answer_without_its_rows_voids_the_run(database: SqliteFile) -> None:
    with pytest.raises(BenchError, match="1 answers were 202"):
        verify(database, counts(database), accepted=1)


def test_a_grant_without_its_ledger_entry_voids_the_run(database: SqliteFile) -> None:
    before = counts(database)
    with closing(sqlite3.connect(path_of(database))) as connection, connection:
        connection.execute(
            "UPDATE achievement SET state = 'granted', decided_at = 1000 WHERE campaign_id = 1"
        )
    with pytest.raises(BenchError, match="ledger entries"):
        verify(database, before, accepted=0)


def test_only_windows_that_ended_before_the_backlog_did_count(database: SqliteFile) -> None:
    with closing(sqlite3.connect(path_of(database))) as connection, connection:
        connection.execute("UPDATE achievement SET decided_at = 1000 * campaign_id")
    windows = [Window(500, 1500), Window(1500, 2500), Window(2500, 3500)]
    assert grants_per_second(database, windows) == [10.0, 10.0]
