"""The national retailer: the same years for the same seed, in exact figures."""

import json
from collections import Counter
from typing import Any

import pytest

from gateway.cli.program import run
from gateway.simulate.retailer import BEGAN, CHANNELS, YEAR, District, district
from gateway.simulate.years import Scenario, simulated
from rules.language.parse import preset

CUSTOMERS, YEARS = 10_500, 3


@pytest.fixture(scope="module")
def town() -> District:
    return district(0, 4_000, 10, 20_000_000, 1)


def simulate(capsys: pytest.CaptureFixture[str], *words: str) -> Any:
    assert (
        run(["simulate", "years", "--years", str(YEARS), "--customers", str(CUSTOMERS), *words, "--json"])
        == 0
    )
    return json.loads(capsys.readouterr().out)["years"]


COLUMNS = [
    "year",
    "customers",
    "records",
    "profiles",
    "merges",
    "wrong",
    "missed",
    "questions",
    "yes",
    "questions_a_day",
    "busiest_day",
    "generic",
    "largest",
]
EXPECTED = [
    dict(zip(COLUMNS, year, strict=True))
    for year in (
        (1, 5814, 6515, 5846, 669, 169, 201, 24, 4, 0.07, 2, 1, 4),
        (2, 8144, 10738, 8425, 1644, 214, 463, 53, 22, 0.15, 3, 1, 6),
        (3, 10500, 16253, 11142, 2798, 381, 742, 136, 58, 0.37, 7, 10, 7),
    )
]


def test_a_small_run_gives_exactly_these_years(capsys: pytest.CaptureFixture[str]) -> None:
    assert simulate(capsys) == EXPECTED


def test_two_processes_give_what_one_gives(capsys: pytest.CaptureFixture[str]) -> None:
    assert simulate(capsys, "--processes", "2") == EXPECTED


def test_another_seed_gives_other_years_and_stricter_rules_fewer_wrong_merges(
    capsys: pytest.CaptureFixture[str],
) -> None:
    other, strict = simulate(capsys, "--seed", "2"), simulate(capsys, "--preset", "strict")
    assert other != EXPECTED
    assert sum(year["wrong"] for year in strict) < sum(year["wrong"] for year in EXPECTED) / 10
    assert sum(year["questions"] for year in strict) > sum(year["questions"] for year in EXPECTED)


def test_districts_share_no_value_so_that_each_can_be_decided_alone() -> None:
    held = [
        {
            identifier
            for record in district(place, 500, YEARS, 1_000, 1).records
            for identifier in record.observations
        }
        for place in (0, 1)
    ]
    assert all(held)
    assert not held[0] & held[1]


def test_nobody_is_heard_before_the_beginning_and_each_channel_hears_of_some(town: District) -> None:
    moments = [record.created_at for record in town.records]
    assert moments == sorted(moments)
    assert min(moments) >= BEGAN
    assert max(moments) < BEGAN + 10 * YEAR
    assert {record.id_space for record in town.records} == set(CHANNELS)


def test_numbers_change_hands_families_share_one_and_the_store_gives_its_own(town: District) -> None:
    holders: dict[str, set[int]] = {}
    households: dict[str, set[int]] = {}
    records = Counter[str]()
    for record in town.records:
        for type_, value in record.observations:
            if type_ == "mobile":
                holders.setdefault(value, set()).add(town.persons[record.record_id])
                households.setdefault(value, set()).add(town.households[record.record_id])
                records[value] += 1
    shared = [value for value, persons in holders.items() if len(persons) > 1]
    strangers = [value for value in shared if len(households[value]) > 1]
    assert len(shared) - len(strangers) > 20
    assert len(strangers) > 20
    [(store, count)] = records.most_common(1)
    assert store.endswith("999999")
    assert count > 5


def test_the_names_of_a_record_confirm_who_it_is(town: District) -> None:
    for rules, least in ((preset("mobile"), 1), (_confirmed(), 0)):
        [found] = simulated(Scenario(rules, 2_000, 1, 1))
        assert (found.years[0].wrong > 0) == bool(least)


def _confirmed() -> str:
    rule = 'name = "mobile"\n'
    confirm = 'confirm_any = ["firstName"]\nconfirm_missing = "review"\n'
    return preset("mobile").replace(rule, rule + confirm)
