"""Which customer a call names: its customer id, and the identifiers of its body as far as its source may say them."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from gateway.http.gameball.call import Call
from gateway.http.gameball.envelope import CUSTOMER_ID_OF_NO_ONE, Fault
from gateway.http.gameball.identifiers import Identity, customer_id_warning, identify
from gateway.http.gameball.texts import read_customer_id
from gateway.http.gameball.trust import weigh


class NamedCustomer(NamedTuple):
    """A customer id as it was `sent`, which the channel gets back, and the id of the record that it leads to."""

    sent: str
    customer_id: str


def name_customer(call: Call, value: object) -> NamedCustomer | Fault:
    """The record that a customer id means. An id that stands for no customer is refused, with a warning that says why."""
    sent = read_customer_id(value)
    if isinstance(sent, Fault):
        return sent
    customer_id, reason = call.services.env.normalizer.customer_id(sent, call.channel.id_space)
    if reason:
        return CUSTOMER_ID_OF_NO_ONE._replace(warnings=(customer_id_warning(reason),))
    return NamedCustomer(sent, customer_id)


def identify_call(call: Call, body: Mapping[str, Any]) -> Identity:
    """What the body of a call says, as far as its source may say it."""
    identity = identify(body, call.channel.default_region, call.services.env.normalizer)
    if call.trust == "state" and not call.token_evidence:
        return identity
    said = weigh(call, identity.evidence)
    return Identity(said.evidence, identity.warnings, said.claims)
