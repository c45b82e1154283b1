"""A search over any database ends with findings, however little is in it."""

from collections.abc import Mapping
from math import log2
from typing import Any

import pytest

from gateway.search.findings import search
from gateway.search.learning import START
from gateway.search.likeness import COLUMNS
from gateway.store.snapshot import Snapshot
from gateway.workers.searching import Findings
from rules.identifier import Identifier
from rules.language.parse import parse, preset
from rules.record import Apart, Observation, Pin, Record
from rules.ruleset import RuleSet

WORDS = ["Mira", "Anton", "Lena", "Karim", "Sofia", "Jonas", "Nadia", "Peter", "Clara", "Omar"]


def rules(more: str = "") -> RuleSet:
    found = parse(preset("email-or-mobile") + more)
    assert isinstance(found, RuleSet)
    return found


def record(number: int, **held: str) -> Record:
    one = Record(number, "web", f"c-{number}", 1_000 + number, 0)
    for type_, value in held.items():
        one.observations[Identifier(type_, value)] = Observation(Identifier(type_, value), 0, 0)
    return one


def found_in(
    records: list[Record], said: Mapping[int, dict[str, str]] | None = None, more: str = "", **known: Any
) -> Findings:
    homes: Mapping[int, int] = known.pop("homes", {})
    for one in records:
        one.profile_id = homes.get(one.record_id, one.record_id)
    fields: dict[str, Any] = {name: {} for name in ("profiles", "names", "balances", "own_lists", "asked")}
    fields |= {"attributes": dict(said or {}), "pins": [], "scored": set(), "answers": [], **known}
    state = Snapshot(records=iter(records), **fields)
    return search(state, rules(more), 10_000, lambda _: None)


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


MERGES = '\n[suggest]\noutcome = "merge"\nmerge_at = 0.99\n'


@pytest.fixture
def as_in_a_large_shop(monkeypatch: pytest.MonkeyPatch) -> None:
    """The usual weights: a few records teach none."""
    usual = {
        (column.name, level): log2(often.same / often.unrelated)
        for column in COLUMNS.values()
        for level, often in column.usual.items()
    }
    monkeypatch.setattr("gateway.search.findings.learned", lambda *_: usual | {START: -12.0})


def slips(*births: str) -> tuple[list[Record], dict[int, dict[str, str]]]:
    """Strangers, and one name with a slip in every address, and with these birthdays."""
    records, names = strangers(6)
    for number, (address, born) in enumerate(
        zip(("katharina", "katarina", "katharin"), births, strict=False), 90
    ):
        records.append(record(number, email=f"{address}.lehmann@example.com"))
        names[number] = {"firstName": "Katharina", "lastName": "Lehmann"} | (
            {"dateOfBirth": born} if born else {}
        )
    return records, names


@pytest.mark.usefixtures("as_in_a_large_shop")
def test_without_the_word_of_the_rules_nothing_merges() -> None:
    found = found_in(*slips("1980-05-17", "1980-05-17"))
    assert (len(found.pairs), found.merges) == (1, [])


@pytest.mark.usefixtures("as_in_a_large_shop")
def test_the_most_certain_pairs_merge_and_are_not_asked_about() -> None:
    found = found_in(*slips("1980-05-17", "1980-05-17"), MERGES)
    assert [(one.record_a, one.record_b) for one in found.merges] == [(90, 91)]
    assert found.pairs == []


@pytest.mark.usefixtures("as_in_a_large_shop")
def test_two_who_contradict_each_other_are_not_joined_through_a_third() -> None:
    """The third says no birthday, and is near to both."""
    found = found_in(*slips("1980-05-17", "", "1991-12-03"), MERGES)
    joined = {one for pair in found.merges for one in (pair.record_a, pair.record_b)}
    assert not {90, 92} <= joined
    assert len(found.merges) == 1


@pytest.mark.usefixtures("as_in_a_large_shop")
@pytest.mark.parametrize(
    ("known", "merges", "asks"),
    [
        ({"pins": [Pin(90, 91, "cannot")]}, 0, 0),
        ({"asked": {(90, 91): "conflict:max_records"}}, 0, 0),
        ({"asked": {(90, 91): "suggested"}}, 1, 0),
    ],
)
def test_what_a_person_said_or_is_asked_comes_first(known: dict[str, Any], merges: int, asks: int) -> None:
    found = found_in(*slips("1980-05-17", "1980-05-17"), MERGES, **known)
    assert (len(found.merges), len(found.pairs)) == (merges, asks)


@pytest.mark.usefixtures("as_in_a_large_shop")
def test_the_question_comes_first_whose_answer_joins_the_most_pairs() -> None:
    """Katharina's birthday makes her two records more certain, but Robert has three accounts already."""
    records, names = slips("1980-05-17", "1980-05-17")
    records += [record(70, email="robert.meier@example.com"), record(71, email="rubert.meier@example.com")]
    records += [record(72), record(73)]
    names |= {number: {"firstName": "Robert", "lastName": "Meier"} for number in (70, 71)}
    alone = found_in(records, names).pairs
    assert [(one.record_a, one.record_b) for one in alone] == [(90, 91), (70, 71)]
    grown = found_in(records, names, homes={72: 70, 73: 70}).pairs
    assert [(one.record_a, one.record_b) for one in grown] == [(70, 71), (90, 91)]


@pytest.mark.usefixtures("as_in_a_large_shop")
@pytest.mark.parametrize(
    "known",
    [
        {"asked": {(91, 92): "conflict:max_records"}},
        {"pins": [Pin(91, 92, "cannot")]},
        {"pins": [Apart(7, {91: 0, 92: 1}, None)]},
    ],
    ids=["asked", "pinned apart", "split"],
)
def test_what_is_settled_of_a_profile_is_settled_of_the_one_that_a_merge_makes_of_it(
    known: dict[str, Any],
) -> None:
    """90 and 91 merge. 92 is near to 90, but is asked about, or kept apart from, 91."""
    found = found_in(*slips("1980-05-17", "1980-05-17", "1980-05-17"), MERGES, **known)
    assert (len(found.merges), found.pairs) == (1, [])
