"""Deliveries and events: the outbox, and what the platform sent."""

from gateway.model import Delivery, PlatformEvent
from gateway.workingset.batch_context import BatchContext
from gateway.workingset.collection import Collection, Of


class Deliveries(BatchContext):
    """`sendings` are the deliveries that achievements wait for, by the achievement. `claimable`, by target and limit, are
    deliveries that are due and free; of a webhook's lane, only the oldest open one."""

    deliveries = Of(Collection[int, Delivery | None])
    sendings = Of(Collection[int, int | None])
    claimable = Of(Collection[tuple[str, int], list[Delivery]])
    platform_events = Of(Collection[str, PlatformEvent | None])

    def queue(
        self,
        target: str,
        lane: int,
        kind: str,
        subject: int,
        payload: str,
        *,
        give_up_after: int,
        request_id: str | None = None,
        about: int = 0,
    ) -> Delivery:
        """One more delivery, due now, caused by `request_id`, or by the request of the current command."""
        cause = self.request_id if request_id is None else request_id
        delivery = Delivery(
            delivery_id=self.next_id(),
            target=target,
            lane=lane,
            kind=kind,
            subject=subject,
            payload=payload,
            state="pending",
            created_at=self.now,
            due_at=self.now,
            expires_at=self.now + give_up_after,
            request_id=cause,
            trace=self.traces.get(cause, ""),
            about=about,
        )
        self.deliveries.add(delivery.delivery_id, delivery)
        return delivery

    def touch_delivery(self, delivery: Delivery) -> None:
        """Keep its changes. The save is fenced by the epoch under which it was loaded."""
        self.deliveries.keep(delivery.delivery_id, delivery)
