"""Near values: the index finds exactly the pairs that a comparison of all with all would find."""

from itertools import combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.search.near import MOST_AT_ONE_KEY, NearPair, near_pairs, nearness
from rules.ruleset import IdentifierKind

NUMBERS = st.from_regex(r"\+49151[0-3]{5,7}", fullmatch=True)
LOCALS = st.text("abc.", min_size=3, max_size=9).filter(lambda text: not text.startswith("."))
ADDRESSES = st.builds("{}@{}".format, LOCALS, st.sampled_from(["mail.example", "mail.exmaple", "post.test"]))
VALUES: dict[IdentifierKind, st.SearchStrategy[str]] = {"phone": NUMBERS, "email": ADDRESSES}


def all_near(kind: IdentifierKind, values: list[str]) -> set[NearPair]:
    return {
        NearPair(one, other, how)
        for one, other in combinations(range(len(values)), 2)
        if (how := nearness(kind, values[one], values[other])) is not None
    }


@pytest.mark.parametrize("kind", ["phone", "email"])
@given(st.data())
@settings(max_examples=150)
def test_the_index_finds_what_a_comparison_of_all_with_all_finds(
    kind: IdentifierKind, data: st.DataObject
) -> None:
    values = data.draw(st.lists(VALUES[kind], unique=True, max_size=30))
    found = list(near_pairs(kind, values))
    assert len(found) == len(set(found))
    assert set(found) == all_near(kind, values)


def test_keys_that_only_seem_to_be_shared_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    values = [f"+4915{number:08}" for number in range(0, 3_000, 7)]
    whole = set(near_pairs("phone", values))
    monkeypatch.setattr("gateway.search.near._HASHES", 1 << 12)
    assert whole == set(near_pairs("phone", values)) == all_near("phone", values)


@given(st.sampled_from(["phone", "email"]), st.data())
def test_it_does_not_matter_which_value_comes_first(kind: IdentifierKind, data: st.DataObject) -> None:
    one, other = data.draw(VALUES[kind]), data.draw(VALUES[kind])
    assert nearness(kind, one, other) == nearness(kind, other, one)
    assert nearness(kind, one, one) is None


@pytest.mark.parametrize(
    ("kind", "one", "other", "how"),
    [
        ("phone", "+201001234567", "+201001234568", "typing"),
        ("phone", "+201001234567", "+201001243567", "typing"),
        ("phone", "+201001234567", "+20100123456", "typing"),
        ("phone", "+201001234567", "+201001234589", None),
        ("phone", "+4912", "+4913", None),
        ("email", "ann.lee@shop.example", "an.lee@shop.example", "typing"),
        ("email", "ann.lee@shop.example", "ann.lee@shpo.example", "typing"),
        ("email", "ann.lee@shop.example", "ann.lee@mail.test", "provider"),
        ("email", "info@shop.example", "info@mail.test", None),
        ("email", "ann@shop.example", "amn@shop.example", None),
        ("email", "ann.lee@shop.example", "anm.lee@mail.test", None),
        ("opaque", "C-1234567", "C-1234568", None),
    ],
)
def test_one_slip_or_another_provider_is_near_unless_the_value_is_short(
    kind: IdentifierKind, one: str, other: str, how: str | None
) -> None:
    assert nearness(kind, one, other) == how


def test_a_key_that_very_many_values_share_is_passed_over() -> None:
    crowd = [f"mailbox@{number}.example" for number in range(MOST_AT_ONE_KEY + 1)]
    assert list(near_pairs("email", crowd)) == []
    assert len(list(near_pairs("email", crowd[:4]))) == 6
