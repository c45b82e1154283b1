"""How much the statements of a call count: what its source may state is evidence, what it may claim is stored beside the record,
and the rest is ignored."""

from typing import NamedTuple

from gateway.http.gameball.call import Call
from rules.identifier import Evidence, Identifier, is_provider_form


class Statements(NamedTuple):
    evidence: tuple[Evidence, ...]
    claims: tuple[Identifier, ...] = ()


def weigh(call: Call, evidence: tuple[Evidence, ...]) -> Statements:
    """A session token's own e-mail and mobile are statements of the back end, whatever the body says."""
    if call.trust == "state":
        return Statements(
            tuple(dict.fromkeys((*call.token_evidence, *evidence))) if call.token_evidence else evidence
        )
    if call.trust == "ignore":
        return Statements(call.token_evidence)
    in_token = {item.identifier for item in call.token_evidence}
    claims = [
        item.identifier
        for item in evidence
        if item.status != "invalid"
        and not is_provider_form(item.identifier.type)
        and item.identifier not in in_token
    ]
    return Statements(call.token_evidence, tuple(claims))
