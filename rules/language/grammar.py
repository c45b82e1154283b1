"""The grammar of a rule file as data: the keys of each table, and how the value of each key is read. Defaults are in the types
of `rules.ruleset`. A key that is not listed here is a mistake in the file."""

from collections.abc import Mapping
from typing import TypeAlias, get_args

from rules.language.fields import (
    Reader,
    choice,
    converted,
    duration,
    flag,
    literal,
    many,
    pattern,
    share,
    spelled,
    text,
    whole,
)
from rules.ruleset import (
    HAS,
    ID_SPACE,
    ID_SPACE_ORDER,
    AttributeKind,
    AttributeStrategy,
    Conflict,
    IdentifierRules,
    IdSpaceRules,
    Merge,
    Rule,
    RuleSet,
    Suggest,
)

Fields: TypeAlias = Mapping[str, Reader]

TABLES = (
    "rules",
    "id_space",
    "identifier",
    "attribute",
    "blocked",
    "rule",
    "conflict",
    "merge",
    "attributes",
    "review",
    "suggest",
)
PHONE_TYPES = (
    "FIXED_LINE",
    "MOBILE",
    "FIXED_LINE_OR_MOBILE",
    "TOLL_FREE",
    "PREMIUM_RATE",
    "SHARED_COST",
    "VOIP",
    "PERSONAL_NUMBER",
    "PAGER",
    "UAN",
    "VOICEMAIL",
    "UNKNOWN",
)
_ID_SPACE = r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}"
_TYPE = r"[a-z][a-z0-9_]{0,39}"
_GLOB = r"(?!@)[^@\s*]*\*?[^@\s*]*@[^@\s*]*\*?[^@\s*]*(?<!@)"
_PHONE_OR_LIST = r"\+[0-9][0-9 ()./-]{2,30}|own:[a-z0-9_-]{1,40}"
_STRATEGIES: tuple[str, ...] = get_args(AttributeStrategy)
_LIMIT = 1_000_000
_CONDITION = 500
"""The most characters of a condition on attributes. `rules.language.conditions` reads it."""

id_space_table = spelled(
    rf"\*|{_ID_SPACE}",
    "the name of an id space",
    'use letters, digits, _ . - (at most 100), or "*" for all others',
)
type_name = spelled(_TYPE, "the name of an identifier type", "use lower-case letters, digits, _ (at most 40)")
attribute_name = spelled(
    r"[^\W*][^*]{0,97}(\.\*)?", "the name of an attribute", 'write * only as ".*" at the end of a name'
)
attribute_strategy = spelled(
    rf"{'|'.join(_STRATEGIES)}|{ID_SPACE_ORDER}{_ID_SPACE}(,{_ID_SPACE})*",
    "a strategy",
    f"known: {', '.join(_STRATEGIES)}, {ID_SPACE_ORDER}A,B; an attribute's name with a dot needs quotes",
)

HEAD: Fields = {
    "schema": whole(1, 1),
    "version": text(),
    "mode": literal(RuleSet, "mode"),
    "activation": literal(RuleSet, "activation"),
}
ID_SPACE_TABLE: Fields = {
    "trust": whole(0, 100),
    "ids_per_profile": whole(1, _LIMIT),
    "on_many_ids": literal(IdSpaceRules, "on_many_ids"),
    "verified": converted(many(type_name), frozenset),
    "placeholders": converted(many(text()), frozenset),
    "real_ids": converted(many(text()), frozenset),
}
IDENTIFIER: Fields = {
    "kind": literal(IdentifierRules, "kind"),
    "merge": flag,
    "strength": whole(0, 1_000),
    "max_per_profile": whole(0, _LIMIT),
    "window": duration(ever=True, zero=False),
    "at_limit": literal(IdentifierRules, "at_limit"),
    "max_profiles": whole(1, _LIMIT),
    "fanout_limit": whole(0, _LIMIT),
    "fanout_window": duration(ever=True, zero=False),
    "on_fanout": literal(IdentifierRules, "on_fanout"),
    "stale_after": duration(ever=False, zero=True),
    "require_verified": flag,
    "immutable": flag,
}
IDENTIFIER_BY_KIND: Mapping[str, Fields] = {
    "phone": {
        "types": converted(many(choice(PHONE_TYPES), least=1), frozenset),
        "extension": literal(IdentifierRules, "extension"),
        "idd_00_as_plus": flag,
        "renumbered": flag,
    },
    "email": {
        "casefold_local": flag,
        "provider_canonical": literal(IdentifierRules, "provider_canonical"),
        "reject_role": flag,
        "reject_masked": flag,
        "disposable": literal(IdentifierRules, "disposable"),
    },
    "opaque": {"pattern": pattern},
}
KIND_OF = {key: kind for kind, fields in IDENTIFIER_BY_KIND.items() for key in fields}
ATTRIBUTE: Fields = {"kind": choice(get_args(AttributeKind))}
BLOCKED: Fields = {
    "exact": converted(
        many(converted(text(least=0, most=256), lambda value: value.strip().casefold())), frozenset
    ),
    "patterns": many(pattern, most=100),
    "emails": many(
        converted(spelled(_GLOB, "an address", "write name@domain, one * each at most"), str.casefold)
    ),
    "phones": many(spelled(_PHONE_OR_LIST, "a number or a list", 'write "+49 30 123456" or "own:LIST"')),
    "builtin": flag,
}
RULE: Fields = {
    "name": spelled(
        r"[A-Za-z0-9][A-Za-z0-9_. -]{0,63}", "a name", "use letters, digits, spaces, _ . - (at most 64)"
    ),
    "all_of": many(type_name, least=1),
    "outcome": literal(Rule, "outcome"),
    "unless_differs": many(text(most=_CONDITION)),
    "needs_verified": flag,
    "id_spaces": many(spelled(rf"\*|{_ID_SPACE}", "the name of an id space", 'write "*" for all'), least=1),
    "confirm_any": many(text(most=_CONDITION)),
    "confirm_missing": literal(Rule, "confirm_missing"),
    "not_confirmed": literal(Rule, "not_confirmed"),
}
CONFLICT: Fields = {name: literal(Conflict, name) for name in ("policy", "ambiguous", "resplit")}
MERGE: Fields = {
    "survivor": many(
        spelled(
            rf"oldest|newest|most_records|lowest_id|{HAS}{_TYPE}|{ID_SPACE}{_ID_SPACE}",
            "a criterion",
            f"known: oldest, newest, most_records, lowest_id, {HAS}TYPE, {ID_SPACE}NAME",
        ),
        least=1,
    ),
    "max_records": whole(1, _LIMIT),
    "max_profiles_at_once": whole(1, _LIMIT),
    "protect_balance_over": whole(0, 10**12),
    "cooldown_after_split": duration(ever=True, zero=True),
    "undo_window": duration(ever=True, zero=True),
    "points": literal(Merge, "points"),
}
REVIEW: Fields = {
    "auto_close_stale_after": duration(ever=True, zero=False),
    "reopen_on_new_evidence": flag,
}
SUGGEST: Fields = {
    "certainty": whole(50, 100),
    "per_day": whole(0, 10_000),
    "near": flag,
    "outcome": literal(Suggest, "outcome"),
    "merge_at": share(0.99, 0.999999),
}
ATTRIBUTES: Fields = {
    "default": attribute_strategy,
    "ignore_empty": flag,
}
"""Every other key of this table is the name of an attribute or a `prefix.*`, with a strategy as its value."""
