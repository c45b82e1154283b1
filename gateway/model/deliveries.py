"""Deliveries to other systems: the outbox, and events from the platform."""

from dataclasses import dataclass, field
from typing import Literal

import msgspec

from gateway.model.caller import Caller
from gateway.model.command import Command, Done, Refused

DeliveryState = Literal["pending", "sending", "unknown", "held", "delivered", "dead", "discarded"]


DeliveryResult = Literal["delivered", "retry", "back", "unknown", "absent", "held", "dead"]


@dataclass(slots=True)
class Delivery:
    """A delivery to another system, `upstream`, `balances` or `webhook:NAME`, written in the transaction of its cause.

    `lane` is a profile: rows of one lane reach a webhook in order, and for the upstream it is the profile under whose id the
    newest attempt went out. `subject` is an achievement or an event. `due_at` None waits for a person. `sent_at` is when the
    oldest attempt with an unknown result was sent. `answer` is the receiver's last answer, masked. `epoch` counts claims: only
    the newest one may change the row; `fence` is the epoch that the store must still hold. `request_id` and `trace` are of the
    call that caused it. `about` is set for an event of the platform: the profile that has the customer's id there, even if it
    is part of the lane's profile now.
    """

    delivery_id: int
    target: str
    lane: int
    kind: str
    subject: int
    payload: str
    state: DeliveryState
    created_at: int
    due_at: int | None
    expires_at: int
    owner: str = ""
    lease_until: int = 0
    epoch: int = 0
    attempts: int = 0
    sent_at: int | None = None
    finished_at: int | None = None
    status: int = 0
    reason: str = ""
    answer: str = ""
    request_id: str = ""
    trace: str = ""
    about: int = 0
    fence: int = field(init=False)

    def __post_init__(self) -> None:
        self.fence = self.epoch


class PlatformEvent(msgspec.Struct, frozen=True):
    """Records that the platform sent an event, and about which profile. `key` is the same each time it sends the event
    again."""

    key: str
    topic: str
    profile_id: int | None
    heard_at: int


class Claimed(msgspec.Struct, frozen=True):
    """The leased deliveries; each belongs to its claimer until `lease_until`."""

    deliveries: tuple[Delivery, ...]


class Stale(msgspec.Struct, frozen=True):
    """Another process has claimed the delivery since; nothing was changed."""


class ReceiveWebhook(Command[Done], frozen=True):
    """An event that the platform sent to the webhook. `customer_id` is one of the upstream's, "" for none; `body` is JSON."""

    caller: Caller
    key: str
    topic: str
    customer_id: str
    body: str


class ClaimDeliveries(Command[Claimed], frozen=True):
    """Lease up to `limit` due deliveries of one target to `owner`, oldest due first."""

    target: str
    owner: str
    limit: int


class MarkSending(Command[Done | Stale], frozen=True):
    """The claimed delivery is sent now, about this profile. Committed before the first byte is sent."""

    delivery_id: int
    epoch: int
    profile_id: int


class ProposePoints(Command[Done], frozen=True):
    """Show a person the points that the upstream keeps for the two sides of a merge."""

    merge_id: int
    survivor_points: int
    absorbed_points: int


class FinishDelivery(Command[Done | Stale], frozen=True):
    """The result of a claimed delivery, and when it is due again.

    `retry`: the receiver did not take it. `back`: it was not tried, and costs no attempt. `unknown`: it was sent, and it is
    unknown whether it arrived. `absent`: it is now known that it did not.
    """

    delivery_id: int
    epoch: int
    result: DeliveryResult
    due_at: int | None = None
    status: int = 0
    reason: str = ""
    answer: str = ""


class SendTestEvent(Command[Delivery], frozen=True):
    """Queue a test event for a webhook."""

    caller: Caller
    webhook: str


class RetryDelivery(Command[Done | Refused], frozen=True):
    """Send a dead or held delivery again, now."""

    caller: Caller
    delivery_id: int


class DiscardDelivery(Command[Done | Refused], frozen=True):
    """Give a dead or held delivery up for good."""

    caller: Caller
    delivery_id: int
