"""How much the statements of a call count: what its source may state is evidence, what it may claim is stored beside the record,
and the rest is ignored."""

from typing import NamedTuple

from gateway.http.gameball.call import Call
from rules.identifier import Evidence, Identifier, is_provider_form


class Said(NamedTuple):
    evidence: tuple[Evidence, ...]
    claims: tuple[Identifier, ...] = ()


def weigh(call: Call, evidence: tuple[Evidence, ...]) -> Said:
    """A session token's own e-mail and mobile are statements of the back end, whatever the body says."""
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
