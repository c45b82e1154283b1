"""Whom a call names: its customer id, and the identifiers at the root of its body, normalised. An identifier that cannot be
normalised takes no part in matching and is no error; the answer warns of it by a code, never by its value."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, Protocol

from gateway.http.gameball.call import Call
from gateway.http.gameball.envelope import CUSTOMER_ID_OF_NO_ONE, Fault
from gateway.http.gameball.texts import read_customer_id, text_of
from gateway.http.gameball.trust import weigh
from rules.identifier import Evidence, Identifier
from rules.normalize import Normalizer


class Normalize(Protocol):
    """An identifier as evidence, the stated one first."""

    def __call__(self, kind: str, text: str, /) -> Sequence[Evidence]: ...


class Named(NamedTuple):
    """A customer id as it was `sent`, which the channel gets back, and the id of the record that it leads to."""

    sent: str
    customer_id: str


def name_customer(call: Call, value: object) -> Named | Fault:
    """Whom a customer id names. One that stands for no customer is refused, with a warning that says why."""
    sent = read_customer_id(value)
    if isinstance(sent, Fault):
        return sent
    customer_id, reason = call.services.env.normalizer.customer_id(sent, call.channel.id_space)
    if reason:
        return CUSTOMER_ID_OF_NO_ONE._replace(warnings=(customer_id_warning(reason),))
    return Named(sent, customer_id)


def customer_id_warning(reason: str) -> str:
    return f"customerId:{reason}"


class Identity(NamedTuple):
    """`warnings` are `<type>:<reason>`; `claims` are not evidence."""

    evidence: tuple[Evidence, ...]
    warnings: tuple[str, ...]
    claims: tuple[Identifier, ...] = ()


def identify_call(call: Call, body: Mapping[str, Any]) -> Identity:
    """What the body of a call says, as far as its source may say it."""
    identity = identify(body, call.channel.default_region, call.services.env.normalizer)
    if call.trust == "state" and not call.vouched:
        return identity
    said = weigh(call, identity.evidence)
    return Identity(said.evidence, identity.warnings, said.claims)


def identify(body: Mapping[str, Any], region: str, normalizer: Normalizer) -> Identity:
    """Every identifier type that the rules declare is looked for under its own name; null is absent."""
    evidence: tuple[Evidence, ...] = ()
    warnings: tuple[str, ...] = ()
    for name in normalizer.types:
        raw = body.get(name)
        if raw is not None:
            found, warned = read_identifier(
                name, raw, lambda kind, text: normalizer.evidence(kind, text, region)
            )
            evidence, warnings = evidence + found, warnings + warned
    return Identity(evidence, warnings)


def read_identifier(
    kind: str, value: object, normalize: Normalize
) -> tuple[tuple[Evidence, ...], tuple[str, ...]]:
    """The evidence, the stated identifier first, and the warnings. A number is read by its digits, and warned about, for a
    zero that it began with is gone."""
    text = text_of(value)
    if text is None:
        found: tuple[Evidence, ...] = (Evidence(Identifier(kind, ""), "invalid", "not_text"),)
    else:
        found = tuple(normalize(kind, text))
    reasons = [] if type(value) is str else ["not_text"]
    if found[0].status != "ok" and found[0].reason not in reasons:
        reasons.append(found[0].reason)
    return found, tuple(f"{kind}:{reason}" for reason in reasons)
