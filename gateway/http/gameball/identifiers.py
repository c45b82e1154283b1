"""The identifiers at the root of a body, or of a line of a file, normalised. An identifier that cannot be normalised takes no
part in matching and is no error; the answer warns of it by a code, never by its value."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, Protocol

from gateway.http.gameball.texts import text_of
from rules.identifier import Evidence, Identifier
from rules.normalize import Normalizer


class Normalize(Protocol):
    """An identifier as evidence, the stated one first."""

    def __call__(self, kind: str, text: str, /) -> Sequence[Evidence]: ...


class Identity(NamedTuple):
    """`warnings` are `<type>:<reason>`; `claims` are not evidence."""

    evidence: tuple[Evidence, ...]
    warnings: tuple[str, ...]
    claims: tuple[Identifier, ...] = ()


def customer_id_warning(reason: str) -> str:
    return f"customerId:{reason}"


def identify(body: Mapping[str, Any], region: str, normalizer: Normalizer) -> Identity:
    """Every identifier type that the rules declare is read under its own name; null is absent."""
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
    """The evidence, the stated identifier first, and the warnings. A number is read by its digits, with a warning, because a
    leading zero is lost."""
    text = text_of(value)
    if text is None:
        found: tuple[Evidence, ...] = (Evidence(Identifier(kind, ""), "invalid", "not_text"),)
    else:
        found = tuple(normalize(kind, text))
    reasons = [] if type(value) is str else ["not_text"]
    if found[0].status != "ok" and found[0].reason not in reasons:
        reasons.append(found[0].reason)
    return found, tuple(f"{kind}:{reason}" for reason in reasons)
