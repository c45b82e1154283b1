"""The reward of a campaign. The same campaign and seed give the same reward, and two seeds never give the same coupon code."""

import base64
from typing import NamedTuple

from gateway.config import Campaign

SEED_BYTES = 10
"""80 random bits: a code cannot be guessed, and fills 16 letters without padding."""

_CROCKFORD = bytes.maketrans(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", b"0123456789ABCDEFGHJKMNPQRSTVWXYZ")


class Reward(NamedTuple):
    """`coupon_code` is "" when the campaign gives no coupon."""

    points: int
    score: int
    coupon_code: str


def reward(campaign: Campaign, seed: bytes) -> Reward:
    """`seed` is SEED_BYTES from a secure random source; it matters only where there is a coupon."""
    code = _coupon_code(campaign.coupon.prefix, seed) if campaign.coupon else ""
    return Reward(campaign.points, campaign.score, code)


def _coupon_code(prefix: str, seed: bytes) -> str:
    """Crockford's base 32, which leaves out I, L, O and U because they are easily misread. The random part has a fixed length,
    so codes stay distinct."""
    if len(seed) != SEED_BYTES:
        raise ValueError(f"a coupon's seed has {SEED_BYTES} bytes, not {len(seed)}")
    return prefix + base64.b32encode(seed).translate(_CROCKFORD).decode()
