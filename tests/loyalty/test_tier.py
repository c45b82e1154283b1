"""Which tier a score reaches."""

import pytest

from gateway.config import Tier
from gateway.loyalty import tier_of

TIERS = (
    Tier(order=1, name="Basic", min_progress=10),
    Tier(order=2, name="Silver", min_progress=100),
    Tier(order=5, name="Gold", min_progress=500),
)


@pytest.mark.parametrize(
    ("score", "order"), [(-5, None), (9, None), (10, 1), (99, 1), (100, 2), (499, 2), (500, 5), (10**9, 5)]
)
def test_a_score_has_the_highest_tier_that_it_reaches(score: int, order: int | None):
    tier = tier_of(TIERS, score)
    assert (tier and tier.order) == order


def test_without_tiers_a_score_has_no_tier():
    assert tier_of((), 1_000) is None
