"""The normalisation of one rule set: the kind, options and blocked values of each declared type, and the customer ids of each
id space. All of it is prepared once."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Literal

from rules.identifier import CANONICAL_SUFFIX, Evidence, Identifier, Normalized
from rules.normalize.blocked import NO_LISTS, Blocklist, folded
from rules.normalize.customer_id import CustomerIds
from rules.normalize.email import normalize_email
from rules.normalize.opaque import normalize_opaque
from rules.normalize.phone import normalize_phone
from rules.normalize.spreadsheet import unquoted
from rules.normalize.written import visible
from rules.ruleset import IdentifierKind, RuleSet

DeclarationReason = Literal["undeclared_type"]

_REMEMBERED = 16_384
_UNDECLARED = Normalized("invalid", "", "undeclared_type")
_NEVER_BLOCKED = frozenset({"empty", "too_long"})


class Normalizer:
    """Built once per rule set; thread-safe.

    `own` holds numbers (E.164) that are no customer's, by the name under which `own:…` in the rules refers to them. `types` are
    those that the rules declare, in their order; `opaque` are some of them. `customer_id(text, id_space)` gives the id for a text.
    """

    def __init__(self, ruleset: RuleSet, own: Mapping[str, frozenset[str]] = NO_LISTS) -> None:
        kinds: tuple[IdentifierKind, ...] = ("phone", "email", "opaque")
        lists = {kind: Blocklist(ruleset.blocked, kind, own) for kind in kinds}
        self.types = tuple(ruleset.identifiers)
        self.opaque = frozenset(name for name, rules in ruleset.identifiers.items() if rules.kind == "opaque")
        self._declared = {name: (rules, lists[rules.kind]) for name, rules in ruleset.identifiers.items()}
        self.customer_id = CustomerIds(ruleset).read
        self.evidence = lru_cache(_REMEMBERED)(self._evidence)

    def normalize(self, type: str, raw: str, region: str | None = None) -> Normalized:  # noqa: A002
        """Normalise `raw`, which may be any string. `region` is the region of national phone numbers."""
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
        ):  # most values: no quotes, no extension, already written as the key
            covered = blocked.covers(value)
        else:
            covered = reason not in _NEVER_BLOCKED and any(map(blocked.covers, _forms(raw, found)))
        return Normalized("blocked" if value else "invalid", value, "blocked_value") if covered else found

    def blocks(self, identifier: Identifier) -> bool:
        """Whether the rules would not accept a stored value as a key today."""
        return self.normalize(identifier.type.removesuffix(CANONICAL_SUFFIX), identifier.value).status != "ok"

    def _evidence(self, type: str, raw: str, region: str | None) -> tuple[Evidence, ...]:  # noqa: A002
        """`raw` as evidence, followed by its canonical form if it has one. An invalid value keeps its raw text.

        The last few thousand results are cached, because one customer's calls come close together.
        """
        status, value, reason, canonical = self.normalize(type, raw, region)
        stated = Evidence(Identifier(type, value or raw), status, reason)
        if not canonical:
            return (stated,)
        return stated, Evidence(Identifier(type + CANONICAL_SUFFIX, canonical), status, reason)


def _forms(raw: str, found: Normalized) -> set[str]:
    """The key, the text as written, the canonical form, and the number without its extension."""
    _, value, _, canonical = found
    return {value, folded(unquoted(visible(raw))), canonical, value.partition(";ext=")[0]} - {""}
