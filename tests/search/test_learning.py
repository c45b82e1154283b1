"""What answers teach the model."""

from hypothesis import given
from hypothesis import strategies as st

from gateway.search.learning import START, Answer, Feature, learned, probability

FEATURES: list[Feature] = [
    ("name", "equal"),
    ("name", "near"),
    ("phone", "equal"),
    ("phone", "different"),
    ("birth", "equal"),
]
WEIGHTS: dict[Feature, float] = {
    START: -12.0,
    **dict(zip(FEATURES, (10.0, 6.0, 9.0, -2.0, 8.0), strict=True)),
}
ANSWERS = st.lists(
    st.builds(
        Answer,
        st.lists(st.sampled_from(FEATURES), min_size=1, max_size=3, unique=True).map(tuple),
        st.booleans(),
    ),
    max_size=40,
)


def said(features: tuple[Feature, ...], weights: dict[Feature, float]) -> float:
    return probability(weights[START] + sum(weights[one] for one in features))


@given(ANSWERS)
def test_what_nobody_answered_about_keeps_its_weight(answers: list[Answer]) -> None:
    found = learned(WEIGHTS, answers)
    asked = {feature for answer in answers for feature in answer.features} | ({START} if answers else set())
    assert {one: found[one] for one in WEIGHTS if one not in asked} == {
        one: WEIGHTS[one] for one in WEIGHTS if one not in asked
    }


@given(ANSWERS, st.integers(0, 2**32))
def test_the_order_of_the_answers_does_not_matter(answers: list[Answer], seed: int) -> None:
    import random

    shuffled = random.Random(seed).sample(answers, len(answers))
    one, other = learned(WEIGHTS, answers), learned(WEIGHTS, shuffled)
    assert all(abs(one[feature] - other[feature]) < 0.01 for feature in WEIGHTS)


@given(ANSWERS, st.lists(st.sampled_from(FEATURES), min_size=1, max_size=3, unique=True).map(tuple))
def test_one_more_yes_makes_such_a_pair_more_certain_and_a_no_less(
    answers: list[Answer], features: tuple[Feature, ...]
) -> None:
    before = said(features, learned(WEIGHTS, answers))
    assert said(features, learned(WEIGHTS, [*answers, Answer(features, True)])) >= before - 1e-3
    assert said(features, learned(WEIGHTS, [*answers, Answer(features, False)])) <= before + 1e-3


def test_many_answers_outweigh_what_the_data_said() -> None:
    features: tuple[Feature, ...] = (("name", "near"), ("phone", "equal"))
    assert said(features, WEIGHTS) > 0.8
    found = learned(WEIGHTS, [Answer(features, number % 10 == 0) for number in range(300)])
    assert 0.05 < said(features, found) < 0.15
