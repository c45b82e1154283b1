"""What a grant is worth, and coupon codes that are unique."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.config import Campaign, Coupon
from gateway.loyalty import SEED_BYTES, Reward, reward

seeds = st.binary(min_size=SEED_BYTES, max_size=SEED_BYTES)
prefixes = st.text("AB01-", max_size=4)


def with_coupon(prefix: str) -> Campaign:
    return Campaign(
        id=1, name="x", points=5, score=2, coupon=Coupon(type="percentage_discount", prefix=prefix)
    )


def test_a_campaign_without_a_coupon_gives_points_and_score_only():
    assert reward(Campaign(id=1, name="x", points=100, score=7), b"") == Reward(100, 7, "")


def test_a_campaign_may_be_worth_nothing():
    assert reward(Campaign(id=1, name="x"), b"") == Reward(0, 0, "")


@given(prefixes, seeds, prefixes, seeds)
def test_two_coupon_codes_are_equal_only_when_prefix_and_seed_are(
    a: str, seed_a: bytes, b: str, seed_b: bytes
):
    same = reward(with_coupon(a), seed_a) == reward(with_coupon(b), seed_b)
    assert same is ((a, seed_a) == (b, seed_b))


@given(seeds)
def test_a_coupon_code_has_no_letter_that_is_misread(seed: bytes):
    code = reward(with_coupon("FB-"), seed).coupon_code
    assert code.startswith("FB-")
    assert len(code) == 19
    assert not set(code.removeprefix("FB-")) - set("0123456789ABCDEFGHJKMNPQRSTVWXYZ")


@pytest.mark.parametrize("length", [0, SEED_BYTES - 1, SEED_BYTES + 1])
def test_a_seed_of_another_length_is_refused(length: int):
    with pytest.raises(ValueError, match="10 bytes"):
        reward(with_coupon("FB"), bytes(length))
