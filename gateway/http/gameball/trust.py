"""What becomes of what a call says of a customer: what its source may state is evidence, what it may claim is kept beside, and
the rest is left out."""

from typing import NamedTuple

from gateway.http.gameball.call import Call
from rules.identifier import Evidence, Identifier, is_provider_form


class Said(NamedTuple):
    evidence: tuple[Evidence, ...]
    claims: tuple[Identifier, ...] = ()


def weigh(call: Call, evidence: tuple[Evidence, ...]) -> Said:
    """A session token's own e-mail and mobile are the back end's word, whatever the body says."""
    if call.trust == "state":
        return Said(tuple(dict.fromkeys((*call.vouched, *evidence))) if call.vouched else evidence)
    if call.trust == "ignore":
        return Said(call.vouched)
    vouched = {item.identifier for item in call.vouched}
    claims = [
        item.identifier
        for item in evidence
        if item.status != "invalid"
        and not is_provider_form(item.identifier.type)
        and item.identifier not in vouched
    ]
    return Said(call.vouched, tuple(claims))
