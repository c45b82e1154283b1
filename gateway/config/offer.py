"""The loyalty program's offers: campaigns with their audience, limits and rewards, and the tiers. The words are those of the
product. Where the API uses other words, the HTTP layer translates."""

from collections.abc import Iterator, Mapping
from typing import Annotated, Literal

from msgspec import Meta

from gateway.config.notation import Duration, Instant
from gateway.config.section import Mistake, Section
from gateway.model.tags import folded_all

Period = Literal["day", "week", "month"]
CampaignType = Literal["social", "signup", "birthday", "event", "high_score", "scheduled", "spin_the_wheel"]
CouponType = Literal[
    "percentage_discount", "fixed_discount", "free_shipping", "free_product", "store_credit", "custom"
]
Count = Annotated[int, Meta(ge=0, le=2**53, description="a whole number, 0 or more")]
Positive = Annotated[int, Meta(ge=1, le=2**53, description="a whole number, 1 or more")]
Amount = Annotated[float, Meta(ge=0, le=2**53, description="a number, 0 or more")]
Text = Annotated[str, Meta(min_length=1, description="a text in quotes, not empty")]


Prefix = Annotated[
    str, Meta(pattern=r"^[A-Za-z0-9-]{0,16}$(?!\n)", description='up to 16 letters, digits and "-"')
]


class Coupon(Section, frozen=True):
    """`value` is a percentage or an amount of money, depending on the type. It is 0 for all other types."""

    type: CouponType
    value: Amount = 0.0
    prefix: Prefix = ""
    expiry_days: Count = 0
    usage_limit: Count = 1
    min_order_value: Amount = 0.0
    capping: Amount = 0.0


class Limit(Section, frozen=True):
    """At most `times` in one calendar period of the program's time zone; weeks begin on Monday."""

    times: Positive = 1
    per: Period = "day"


class Audience(Section, frozen=True):
    """Who may earn. A customer needs at least one of `include_tags` and none of `exclude_tags`; case does not matter. Every
    attribute must match."""

    include_tags: frozenset[str] = frozenset()
    exclude_tags: frozenset[str] = frozenset()
    min_tier: Count = 0
    guests: bool = False
    attributes: Mapping[str, str | int | float | bool] = {}

    def mistakes(self) -> Iterator[Mistake]:
        if both := folded_all(self.include_tags) & folded_all(self.exclude_tags):
            yield Mistake(
                "exclude_tags", f"also names {', '.join(sorted(both))} of include_tags; name each tag once"
            )


class Campaign(Section, frozen=True):
    """One offer, which runs from `starts_at` up to, but not including, `ends_at`. 0 in `max_achievements` means unlimited, 0 in
    `budget_points` no budget. `dedup_window` None means `achievements.dedup_window`."""

    id: Positive
    name: Text
    type: CampaignType = "social"
    points: Count = 0
    score: Count = 0
    coupon: Coupon | None = None
    max_achievements: Count = 1
    limit: Limit | None = None
    starts_at: Instant | None = None
    ends_at: Instant | None = None
    enabled: bool = True
    budget_points: Count = 0
    audience: Audience = Audience()
    dedup_window: Duration | None = None
    visibility: Literal["always", "hidden", "if_earned"] = "always"
    description: str = ""
    icon: str = ""
    redirection_text: str = ""
    redirection_link: str = ""

    def mistakes(self) -> Iterator[Mistake]:
        if self.starts_at is not None and self.ends_at is not None and self.ends_at <= self.starts_at:
            yield Mistake("ends_at", "is not after starts_at; write a later date-time or leave it out")


class Tier(Section, frozen=True):
    """A level of the program, reached at a score of `min_progress`."""

    order: Positive
    name: Text
    min_progress: Count
    icon: str = ""
