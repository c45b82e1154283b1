"""One rule set's normalisation: the kind, options and blocked values of each declared type, and what a customer id is in
each id space, prepared once."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Literal

from rules.identifier import CANONICAL_SUFFIX, Evidence, Identifier, Normalized
from rules.normalize.blocked import NO_LISTS, Blocklist, folded
from rules.normalize.customer_id import CustomerIds
from rules.normalize.email import normalize_email
from rules.normalize.opaque import normalize_opaque
from rules.normalize.phone import normalize_phone
from rules.normalize.spreadsheet import unguarded
from rules.normalize.written import visible
from rules.ruleset import IdentifierKind, RuleSet

DeclarationReason = Literal["undeclared_type"]

_REMEMBERED = 16_384
_UNDECLARED = Normalized("invalid", "", "undeclared_type")
_SETTLED = frozenset({"empty", "too_long"})


class Normalizer:
    """Built once per rule set, for any number of threads.

    `own` are numbers (E.164) that belong to no customer, by the name under which `own:…` in the rules asks for them.
    `types` are those that the rules declare, in their order. `customer_id(text, id_space)` is the id that a text stands for.
    """

    def __init__(self, ruleset: RuleSet, own: Mapping[str, frozenset[str]] = NO_LISTS) -> None:
        kinds: tuple[IdentifierKind, ...] = ("phone", "email", "opaque")
        lists = {kind: Blocklist(ruleset.blocked, kind, own) for kind in kinds}
        self.types = tuple(ruleset.identifiers)
        self._declared = {name: (rules, lists[rules.kind]) for name, rules in ruleset.identifiers.items()}
        self.customer_id = CustomerIds(ruleset).read
        self.evidence = lru_cache(_REMEMBERED)(self._evidence)

    def normalize(self, type: str, raw: str, region: str | None = None) -> Normalized:  # noqa: A002
        """What became of `raw`, for any string at all. `region` is where national phone numbers belong."""
        declared = self._declared.get(type)
        if declared is None:
            return _UNDECLARED
        rules, blocked = declared
        if rules.kind == "phone":
            found = normalize_phone(raw, region, rules)
        elif rules.kind == "email":
            found = normalize_email(raw, rules)
        else:
            found = normalize_opaque(raw, rules)
        _, value, reason, canonical = found
        same = value and raw.strip().casefold() == value and canonical in ("", value)
        if (
            same and value[-1].isalnum() and ";" not in value
        ):  # most: no quotes, no extension, written as the key
            covered = blocked.covers(value)
        else:
            covered = reason not in _SETTLED and any(map(blocked.covers, _forms(raw, found)))
        return Normalized("blocked" if value else "invalid", value, "blocked_value") if covered else found

    def blocks(self, identifier: Identifier) -> bool:
        """Whether a stored value would not be taken as a key if it were stated now."""
        return self.normalize(identifier.type.removesuffix(CANONICAL_SUFFIX), identifier.value).status != "ok"

    def _evidence(self, type: str, raw: str, region: str | None) -> tuple[Evidence, ...]:  # noqa: A002
        """`raw` as evidence, followed by its canonical form where it has one. An invalid one keeps the raw text.

        The last few thousand are remembered: one customer's calls come close together.
        """
        status, value, reason, canonical = self.normalize(type, raw, region)
        stated = Evidence(Identifier(type, value or raw), status, reason)
        if not canonical:
            return (stated,)
        return stated, Evidence(Identifier(type + CANONICAL_SUFFIX, canonical), status, reason)


def _forms(raw: str, found: Normalized) -> set[str]:
    """The key, the text as written, the canonical form, and the number that an extension belongs to."""
    _, value, _, canonical = found
    return {value, folded(unguarded(visible(raw))), canonical, value.partition(";ext=")[0]} - {""}
