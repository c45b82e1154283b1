"""A search over any database ends with findings, however little is in it."""

from collections.abc import Mapping

import pytest

from gateway.search.findings import search
from gateway.store.snapshot import Snapshot
from gateway.workers.searching import Findings
from rules.identifier import Identifier
from rules.language.parse import parse, preset
from rules.record import Observation, Record
from rules.ruleset import RuleSet

WORDS = ["Mira", "Anton", "Lena", "Karim", "Sofia", "Jonas", "Nadia", "Peter", "Clara", "Omar"]


def rules() -> RuleSet:
    found = parse(preset("email-or-mobile"))
    assert isinstance(found, RuleSet)
    return found


def record(number: int, **held: str) -> Record:
    one = Record(number, "web", f"c-{number}", 1_000 + number, 0)
    for type_, value in held.items():
        one.observations[Identifier(type_, value)] = Observation(Identifier(type_, value), 0, 0)
    return one


def found_in(records: list[Record], said: Mapping[int, dict[str, str]] | None = None) -> Findings:
    state = Snapshot(iter(records), {}, {}, {}, dict(said or {}), [], {}, set(), [])
    return search(state, rules(), lambda _: None)


def strangers(count: int) -> tuple[list[Record], dict[int, dict[str, str]]]:
    """People with nothing in common."""
    records = [record(n, email=f"{WORDS[n % 10].lower()}.{n * 7919}@example.com") for n in range(count)]
    names = {
        n: {"firstName": WORDS[n % 10], "lastName": f"Family{'abcdefghij'[n // 10]}x"} for n in range(count)
    }
    return records, names


@pytest.mark.parametrize("count", [0, 1, 2, 6, 50])
def test_a_shop_of_strangers_has_no_suggestion(count: int) -> None:
    found = found_in(*strangers(count))
    assert (found.records, found.found, found.has_extra) == (count, 0, True)


def test_records_without_anything_that_is_compared_are_no_fault() -> None:
    assert found_in([record(n) for n in range(5)]).found == 0


@pytest.mark.parametrize("count", [2, 3, 7])
def test_a_few_records_that_all_share_one_address_are_no_fault(count: int) -> None:
    assert found_in([record(n, email="we.all@example.com") for n in range(count)]).records == count


def test_two_slips_of_one_person_are_found_among_few() -> None:
    records, names = strangers(6)
    records += [
        record(90, email="katharina.lehmann@example.com"),
        record(91, email="katarina.lehmann@example.com"),
    ]
    names |= {
        90: {"firstName": "Katharina", "lastName": "Lehmann"},
        91: {"firstName": "Katarina", "lastName": "Lehmann"},
    }
    (pair,) = found_in(records, names).pairs
    assert (pair.record_a, pair.record_b) == (90, 91)
