"""The systems that the gateway calls: the platform in forward mode, and the receivers of webhooks."""

from collections.abc import Iterator
from typing import Annotated, Literal

from msgspec import Struct, ValidationError, convert
from msgspec.structs import asdict

from gateway.clock import DAY, HOUR, MINUTE, SECOND
from gateway.config.channel import Name
from gateway.config.keys import short_keys
from gateway.config.notation import (
    Duration,
    Quota,
    Size,
    written,
)
from gateway.config.offer import Positive
from gateway.config.secret import Secret
from gateway.config.section import Mistake, Section
from gateway.config.urls import http_url, webhook_url, webhook_url_text

CanonicalId = Literal["first", "prefixed", "profile"]
TOPICS = (
    "profile.created",
    "profile.merged",
    "profile.split",
    "review.opened",
    "achievement.granted",
    "achievement.ignored",
    "achievement.delivered",
    "achievement.dead",
)
"""The gateway's own topics. Those of the platform begin with `customer.`."""


class Rates(Section, frozen=True):
    """By rate class, the most calls that deliveries make in a second and in 30 seconds. The platform's own limits are 30 and 360;
    100 and 1,200 for customers_read and events; 1,000 and 15,000 for order_previews. The difference is left for calls that
    channels wait for. Those are counted, but never delayed."""

    coupons: Quota = (25, 330)
    customers_read: Quota = (80, 1_100)
    customers_write: Quota = (25, 330)
    events: Quota = (80, 1_100)
    order_previews: Quota = (800, 13_750)
    orders: Quota = (25, 330)
    others: Quota = (25, 330)
    transactions: Quota = (25, 330)


class OnStoreFailure(Struct, frozen=True, forbid_unknown_fields=True):
    """What happens to a call whose customer cannot be looked up. `pass`: it is forwarded under the channel's own customer
    id."""

    reads: Literal["refuse", "pass"] = "refuse"
    writes: Literal["refuse", "pass"] = "refuse"


def store_failure(value: object) -> OnStoreFailure:
    """One word for all calls, or a table of `reads` and `writes`."""
    try:
        given = {"reads": value, "writes": value} if isinstance(value, str) else value
        return convert(given, OnStoreFailure)
    except ValidationError:
        raise ValueError(
            'is not "refuse" or "pass"; write one of them, or { reads = "pass", writes = "refuse" }'
        ) from None


class UpstreamSettings(Section, frozen=True):
    """`canonical_id` decides under which customer id the upstream knows a new profile. It also applies in local mode, so that a
    gateway can be switched to forwarding later. Times and sizes are of one call: `total_timeout` of one that a channel waits
    for, up to the head of the answer; `max_response` of an answer that has to be read whole.

    A delivery that got no answer is sent again within the upstream's `dedup_window`, and from `reconcile_after` on the upstream
    is asked whether it arrived. One that is not done after `give_up_after` is dead. `queue_limit` counts open deliveries of
    every kind.
    """

    base_url: Annotated[str, written(http_url)] = "https://api.gameball.co"
    api_key: Secret | None = None
    secret_key: Secret | None = None
    canonical_id: CanonicalId = "first"
    on_store_failure: Annotated[OnStoreFailure, written(store_failure, asdict)] = OnStoreFailure()
    unknown_routes: Literal["refuse", "pass"] = "pass"
    connect_timeout: Duration = 5 * SECOND
    read_timeout: Duration = 10 * SECOND
    total_timeout: Duration = 30 * SECOND
    delivery_timeout: Duration = 10 * SECOND
    keepalive: Duration = 10 * SECOND
    max_connections: Positive = 256
    max_body: Size = 1 << 20
    max_response: Size = 16 << 20
    rates: Rates = Rates()
    dedup_window: Duration = 60 * SECOND
    reconcile_after: Duration = 10 * MINUTE
    give_up_after: Duration = 72 * HOUR
    queue_limit: Positive = 1_000_000

    def mistakes(self) -> Iterator[Mistake]:
        for name in ("connect_timeout", "read_timeout", "total_timeout", "delivery_timeout"):
            if not 0 < getattr(self, name) <= 5 * MINUTE:
                yield Mistake(name, 'is out of range; write a time up to "5m"')
        for name in ("max_body", "max_response"):
            if not 0 < getattr(self, name) <= 1 << 30:
                yield Mistake(name, 'is out of range; write a size up to "1GiB"')
        if self.reconcile_after < self.dedup_window:
            yield Mistake(
                "reconcile_after",
                "is shorter than dedup_window, so a repeated report could still arrive; write at least that",
            )
        if not HOUR <= self.give_up_after <= 30 * DAY:
            yield Mistake("give_up_after", 'is out of range; write "1h" to "30d"')


class Webhook(Section, frozen=True):
    """A receiver of events, called at `url` with bodies signed with `secret`. `events` are topics: the gateway's own, or the
    platform's (`customer.…`), which are passed on."""

    name: Name
    url: Annotated[str, written(webhook_url, webhook_url_text)]
    events: tuple[str, ...]
    secret: Secret | None = None
    allow_private: bool = False

    def mistakes(self) -> Iterator[Mistake]:
        if self.secret is None:
            yield Mistake("secret", "is missing; set it by secret_file or secret_env")
        for position, topic in enumerate(self.events):
            if topic not in TOPICS and not topic.startswith("customer."):
                yield Mistake(
                    f"events[{position}]",
                    f"is not a topic; write one of {', '.join(TOPICS)}, or one of the platform's customer.…",
                )
        yield from short_keys(self, ("secret",), inline_too=True)
