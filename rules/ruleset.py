"""The rule set: frozen data for a rule file. The defaults here are the defaults of the file's keys, and the words in the
`Literal`s are the words that the file may use."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

IdentifierKind = Literal["phone", "email", "opaque"]
RuleOutcome = Literal["merge", "review", "never"]
ConflictPolicy = Literal["review", "refuse", "drop_lowest", "move_to_newest"]
AttributeStrategy = Literal[
    "newest",
    "oldest",
    "most_frequent",
    "longest",
    "union",
    "sum",
    "first_non_empty",
    "most_restrictive",
]
AttributeKind = Literal["name", "given_name", "family_name", "date", "postcode", "address", "text", "code"]
"""What an attribute says, and so how two of its values are compared."""
Level = Literal["equal", "similar", "near", "compatible"]
"""How near two values are, the strictest first."""
ANY_ID_SPACE = "*"
"""In the id spaces of a rule: all of them. As the name of a table: all that have no table of their own."""
ID_SPACE_ORDER = "id_space_order:"
"""Prefix of the one strategy with parameters: `id_space_order:web,pos` takes the value of the first id space that has one."""
HAS = "has:"
"""Survivor criterion with a parameter: `has:loyalty_id` prefers a profile that holds such an identifier."""
ID_SPACE = "id_space:"
"""Survivor criterion with a parameter: `id_space:web` prefers a profile with a record of that id space."""


@dataclass(frozen=True, slots=True)
class IdSpaceRules:
    """How far one system's customer ids and statements are trusted. `verified` names the types that the system has verified.
    `placeholders` are more ids that stand for no customer here; `real_ids` are ids that look like placeholders but are real."""

    trust: int = 50
    ids_per_profile: int = 3
    on_many_ids: Literal["allow", "review", "refuse"] = "review"
    verified: frozenset[str] = frozenset()
    placeholders: frozenset[str] = frozenset()
    real_ids: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class IdentifierRules:
    """One identifier type. Durations are milliseconds; None is "ever"; `stale_after` 0 is "never stale"."""

    kind: IdentifierKind
    merge: bool = True
    strength: int = 0
    max_per_profile: int = 0
    window: int | None = None
    at_limit: Literal["keep_old", "drop_oldest", "review"] = "keep_old"
    max_profiles: int = 1
    fanout_limit: int = 0
    fanout_window: int | None = None
    on_fanout: Literal["quarantine", "review", "ignore"] = "quarantine"
    stale_after: int = 0
    require_verified: bool = False
    immutable: bool = False
    # phone
    types: frozenset[str] = frozenset({"MOBILE", "FIXED_LINE_OR_MOBILE"})
    extension: Literal["keep", "reject", "drop"] = "keep"
    idd_00_as_plus: bool = True
    renumbered: bool = True
    # email
    casefold_local: bool = True
    provider_canonical: Literal["off", "review", "merge"] = "review"
    reject_role: bool = True
    reject_masked: bool = True
    disposable: Literal["allow", "review", "refuse"] = "review"
    # opaque
    pattern: str = ""


@dataclass(frozen=True, slots=True)
class Blocked:
    """Values that may never join profiles. They are compared with the normalised value and with the raw text (stripped,
    casefolded)."""

    exact: frozenset[str] = frozenset()
    patterns: tuple[str, ...] = ()
    emails: tuple[str, ...] = ()
    phones: tuple[str, ...] = ()
    builtin: bool = True


@dataclass(frozen=True, slots=True)
class Rule:
    """All types of `all_of` must agree. `unless_differs` names types and attributes: it turns a merge into a review if both
    sides have such a value and differ. `confirm_any` has conditions on attributes, one of which must hold too.
    `rules.compare.conditions` reads both. `id_spaces` `("*",)` is every id space."""

    name: str
    all_of: tuple[str, ...]
    outcome: RuleOutcome = "merge"
    unless_differs: tuple[str, ...] = ()
    needs_verified: bool = False
    id_spaces: tuple[str, ...] = (ANY_ID_SPACE,)
    confirm_any: tuple[str, ...] = ()
    confirm_missing: Literal["merge", "review"] = "merge"
    not_confirmed: Literal["review", "refuse"] = "review"


@dataclass(frozen=True, slots=True)
class Conflict:
    """`policy`: if a merge would break a limit. `ambiguous`: if a record fits two profiles that cannot be one. `resplit`: if
    later evidence shows that an earlier join was wrong."""

    policy: ConflictPolicy = "review"
    ambiguous: Literal["separate", "best", "review"] = "separate"
    resplit: Literal["review", "auto", "off"] = "review"


@dataclass(frozen=True, slots=True)
class Merge:
    """`survivor` is a total order: criteria from first to last, always ending in `lowest_id`. Durations are milliseconds, None
    is "ever"; `protect_balance_over` is in points, 0 is off. `points` concerns the points that the upstream keeps for both
    profiles."""

    survivor: tuple[str, ...] = ("oldest", "lowest_id")
    max_records: int = 50
    max_profiles_at_once: int = 5
    protect_balance_over: int = 0
    cooldown_after_split: int | None = None
    undo_window: int | None = None
    points: Literal["off", "propose"] = "off"


@dataclass(frozen=True, slots=True)
class Review:
    """`auto_close_stale_after` is in milliseconds; None never closes a review because of its age."""

    auto_close_stale_after: int | None = 180 * 86_400_000
    reopen_on_new_evidence: bool = True


@dataclass(frozen=True, slots=True)
class Suggest:
    """What `gateway suggest` asks about. `certainty` is in percent. `near`: also ask about customers with near names and an e-mail
    or number that is almost the same. `merge_at`: with `outcome = "merge"`, the probability from which two are joined without a
    question."""

    certainty: int = 90
    per_day: int = 50
    near: bool = True
    outcome: Literal["ask", "merge"] = "ask"
    merge_at: float = 0.999


@dataclass(frozen=True, slots=True)
class Attributes:
    """Survivorship strategies, by attribute name or `prefix.*` pattern, e.g. `{"name":
    "id_space_order:web,pos"}`."""

    default: str = "newest"
    ignore_empty: bool = True
    strategies: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RuleSet:
    """A valid rule set. `sha256` is the hex digest of `text` in UTF-8, which log lines and decisions include. `kinds` are
    those of the attributes that the file declares. Read the rules of an id space with `id_space`: `other_id_spaces` are those
    of undeclared ones."""

    version: str
    text: str
    sha256: str
    mode: Literal["enforce", "shadow", "off"] = "enforce"
    activation: Literal["after_dry_run", "immediate"] = "after_dry_run"
    id_spaces: Mapping[str, IdSpaceRules] = field(default_factory=dict)
    other_id_spaces: IdSpaceRules = IdSpaceRules()
    identifiers: Mapping[str, IdentifierRules] = field(default_factory=dict)
    blocked: Blocked = Blocked()
    rules: tuple[Rule, ...] = ()
    conflict: Conflict = Conflict()
    merge: Merge = Merge()
    kinds: Mapping[str, AttributeKind] = field(default_factory=dict)
    attributes: Attributes = Attributes()
    review: Review = Review()
    suggest: Suggest = Suggest()

    def __hash__(self) -> int:
        return hash(self.sha256)

    def id_space(self, name: str) -> IdSpaceRules:
        return self.id_spaces.get(name, self.other_id_spaces)
