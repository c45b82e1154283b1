"""What the model says of two records is what the functions that compare say of their values, however it asks for that."""

import random
from collections import Counter
from itertools import combinations

import pytest

from gateway.search.learning import START
from gateway.search.likeness import COLUMNS, EQUAL, MISSING
from gateway.search.linkage import Linkage, link
from gateway.search.people import Pair, People, read
from gateway.simulate.labelled import as_labelled, read_customers
from gateway.simulate.registrations import registrations
from gateway.simulate.shapes import SHAPES
from gateway.store.snapshot import Snapshot
from rules.language.parse import parse, preset
from rules.normalize import Normalizer
from rules.ruleset import RuleSet

WITH_ADDRESSES = '\n[attribute."custom.address"]\nkind = "address"\n'
PERSONS, PAIRS = 150, 3_000


@pytest.fixture(scope="module")
def shop() -> tuple[People, list[Pair]]:
    """Customers of all regions, and pairs of them: of one person, and of any two."""
    rules = parse(preset("email-or-mobile") + WITH_ADDRESSES)
    assert isinstance(rules, RuleSet)
    rows = as_labelled(registrations(SHAPES["ecommerce"], PERSONS, 5))
    customers = read_customers(rows, Normalizer(rules))
    said = {number: dict(texts) for number, texts in enumerate(customers.attributes)}
    state = Snapshot(iter(customers.records), {}, {}, {}, said, [], {}, {}, set(), [])
    pairs = list(combinations(range(len(customers.records)), 2))
    of_one = [pair for pair in pairs if len({customers.persons[one] for one in pair}) == 1]
    chance = random.Random(1)
    return read(state, rules), sorted({*of_one, *chance.sample(pairs, PAIRS)})


def compared(people: People, pair: Pair) -> dict[str, str]:
    """The level of each column that both records have."""
    found: dict[str, str] = {}
    for name, column in COLUMNS.items():
        one, other = (people.columns[name][place] for place in pair)
        if one is not None and other is not None:
            level = column.compare(one, other)
            found[name] = EQUAL if one == other and level != MISSING else level
    return {name: level for name, level in found.items() if level != MISSING}


def linked(people: People, pairs: list[Pair]) -> Linkage:
    found = link(people, pairs)
    assert found is not None
    return found


def test_a_pair_has_the_levels_of_its_values(
    shop: tuple[People, list[Pair]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.search.linkage._FAINT", -1_000.0)
    people, pairs = shop
    found = linked(people, pairs)
    assert {pair: dict(features) for pair, features in found.answered.items()} == {
        pair: compared(people, pair) for pair in pairs
    }
    seen = Counter(feature for features in found.answered.values() for feature in features)
    assert {*seen} >= {(name, level) for name in ("name", "email") for level in COLUMNS[name].usual}


def test_candidates_that_are_not_faint_weigh_as_much_as_their_levels(
    shop: tuple[People, list[Pair]],
) -> None:
    people, _ = shop
    found = linked(people, [])
    assert found.candidates == sorted(found.candidates)
    assert all(one.record_a < one.record_b for one in found.candidates)
    for one in found.candidates:
        assert dict(one.features) == compared(people, (one.record_a, one.record_b))
        assert {*one.features} <= found.weights.keys() - {START}


def test_two_searches_of_one_shop_find_the_same(shop: tuple[People, list[Pair]]) -> None:
    people, pairs = shop
    one, other = linked(people, pairs), linked(people, pairs)
    assert one.weights == pytest.approx(other.weights)
    assert one[1:] == other[1:]
