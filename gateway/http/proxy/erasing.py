"""Erasures by way of the platform: whom it deleted is erased here too.

A person has an account there for each canonical id that leads to them, because a merge here joins no accounts there. All of them
are deleted before anything is erased here: afterwards nothing would say any more whose they were.
"""

from collections.abc import Awaitable, Callable
from typing import NamedTuple

from gateway.http.gameball.call import Call
from gateway.http.gameball.envelope import Fault
from gateway.http.proxy.lookup import ResolvedCustomer
from gateway.http.proxy.relay import Received
from gateway.model import AccountsLeft, EraseDeletedCustomer

ERASING = frozenset({"DELETE /customers/{customerId}", "POST /customers/{customerId}/delete"})
Delete = Callable[[str], Awaitable[Received | Fault]]
"""Sends the call's deletion for another canonical id."""


class Deletion(NamedTuple):
    """The answer to one deletion, and the customer as the platform knows them there."""

    customer: ResolvedCustomer
    answer: Received | Fault


async def carry_out(call: Call, deletion: Deletion, delete: Delete) -> Deletion:
    """The deletion whose answer the call gets: the first, or the one that failed. Nothing is erased here if one fails; a repeat of
    the call finds those that succeeded gone."""
    customer = deletion.customer
    if customer.profile_id is None or not _is_gone(deletion.answer):
        return deletion
    services = call.services
    own_id = services.env.normalizer.customer_id(customer.customer_id, call.channel.id_space).value
    deleted = {customer.canonical_id}
    while True:
        erasure = EraseDeletedCustomer(call.caller, own_id, customer.profile_id, frozenset(deleted))
        outcome = await services.pipeline.submit(erasure)
        if not isinstance(outcome, AccountsLeft):
            return deletion
        for canonical_id in outcome.canonical_ids:
            answer = await delete(canonical_id)
            if not _is_gone(answer):
                return Deletion(customer._replace(canonical_id=canonical_id), answer)
            deleted.add(canonical_id)


def _is_gone(answer: Received | Fault) -> bool:
    """The platform deleted the account, or no longer knew it. A 404 without a body is a missing route."""
    if isinstance(answer, Fault):
        return False
    return 200 <= answer.status < 300 or (answer.status == 404 and bool(answer.body.strip()))
