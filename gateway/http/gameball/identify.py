"""What a body says about who somebody is: the identifiers at its root, normalised. One that cannot be normalised takes
no part in matching and is no error; the answer warns of it by a code, never by its value."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from gateway.http.gameball.envelope import INVALID_PAYLOAD, Fault
from rules.identifier import Evidence
from rules.normalize import Normalizer


class Identity(NamedTuple):
    """`warnings` are `<type>:<reason>`."""

    evidence: tuple[Evidence, ...]
    warnings: tuple[str, ...]


def identify(body: Mapping[str, Any], region: str, normalizer: Normalizer) -> Identity | Fault:
    """Every identifier type that the rules declare is looked for under its own name; null is absent."""
    evidence: list[Evidence] = []
    warnings: list[str] = []
    for name in normalizer.types:
        raw = body.get(name)
        if raw is None:
            continue
        if type(raw) is not str:
            return INVALID_PAYLOAD
        found = normalizer.evidence(name, raw, region)
        evidence += found
        if found[0].status != "ok":
            warnings.append(f"{name}:{found[0].reason}")
    return Identity(tuple(evidence), tuple(warnings))
