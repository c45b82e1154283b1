"""The meaning of each key of a rule file, for its reference page. `rules.language.grammar` says how its value is read,
`rules.ruleset` has its default."""

from collections.abc import Mapping
from typing import TypeAlias

Meanings: TypeAlias = Mapping[str, str]

RULES: Meanings = {
    "schema": "the version of the rule language",
    "version": "your name for this content; change it whenever the content changes",
    "mode": "`enforce` merges; `shadow` decides and records but never merges; `off` joins no records",
    "activation": "`after_dry_run` requires a plan of exactly this content first; `immediate` does not",
}
ID_SPACE: Meanings = {
    "trust": "if two values of an attribute are equally good, the more trusted system's wins",
    "ids_per_profile": "how many different ids of this space one profile normally has at most",
    "on_many_ids": "what happens above that number: `review` asks a person",
    "verified": "types whose values this system has verified, by one-time code or confirmed opt-in",
    "placeholders": (
        "more customer ids that stand for no customer here, such as the till's own walk-in number "
        '`"9999"`; compared without case'
    ),
    "real_ids": (
        'customer ids of this system that look like placeholders but belong to a customer, such as `"0"` '
        'or `"guest"`'
    ),
}
IDENTIFIER: Meanings = {
    "kind": "how the values are normalised",
    "merge": "with false, values are stored and searchable, and can tell people apart, but never join",
    "strength": "the order of evidence; each type that merges needs its own",
    "max_per_profile": "different values that one profile may hold; 0 is unlimited, 1 makes the type unique",
    "window": "only values seen this recently count against `max_per_profile`",
    "at_limit": (
        "what happens to a value above that limit: `keep_old` stores it but does not match by it, `drop_oldest` makes room, "
        "`review` asks"
    ),
    "max_profiles": "more than 1 says that households share such values: they are stored and never merge",
    "fanout_limit": "records that may hold one value before it counts as generic; 0 is off",
    "fanout_window": "only records seen this recently count against `fanout_limit`",
    "on_fanout": (
        "`quarantine` makes the value generic for good, `review` asks each time, `ignore` does nothing"
    ),
    "stale_after": (
        "unseen this long, a value joins only beside a second one, because numbers get new owners; "
        '`"0"` is never'
    ),
    "require_verified": "only values that are verified on both sides join",
    "immutable": "a value is never replaced by a newer one: two different values are a conflict",
}
PHONE: Meanings = {
    "types": "types of number that may join; others are stored as blocked",
    "extension": "`keep` makes it part of the value, `drop` cuts it off, `reject` refuses the number",
    "idd_00_as_plus": "`00` before a country code means `+` in every region",
    "renumbered": (
        "mobile numbers of former numbering plans, Argentina's without their 9, and those with a zero "
        "too many or too few or their country code twice are read as today's; see [normalisation](normalisation.md#phone-numbers)"
    ),
}
EMAIL: Meanings = {
    "casefold_local": "`Ann@…` and `ann@…` are one address",
    "provider_canonical": (
        "whether the provider's own form (no dots, no `+tag`) joins; the address itself is never rewritten"
    ),
    "reject_role": "`info@`, `sales@`, `noreply@` and similar addresses join no profiles",
    "reject_masked": "`eri***@…` is a legal address that would join strangers; it joins no profiles",
    "disposable": (
        "throw-away domains: `allow` lets them join; with `review` or `refuse` they are stored and "
        "join no profiles"
    ),
}
OPAQUE: Meanings = {
    "pattern": "it must be found in the value; anchor it with `^` and `$`",
}
ATTRIBUTE: Meanings = {
    "kind": "what the values are, and so how two of them are compared",
}
BLOCKED: Meanings = {
    "exact": 'whole values, of every type: `"null"`, `"anonymous"`',
    "patterns": "regular expressions that are searched in values of every type",
    "emails": "addresses; one `*` on either side of the `@` stands for any characters",
    "phones": (
        "numbers with `+` and country code, or `own:LIST` for a list that `gateway lists add LIST "
        "NUMBER` fills"
    ),
    "builtin": "also what systems and people are known to write when they have nothing to write",
}
RULE: Meanings = {
    "name": "its name in decisions and statistics, unique in the file",
    "all_of": "types that must all agree, on one record of the other profile",
    "outcome": "`review` asks a person; `never` keeps apart, whatever other rules say",
    "unless_differs": (
        "types and attributes: if both sides have one and share none, a merge becomes a review. An "
        'attribute may name its level: `"dateOfBirth:near"`'
    ),
    "needs_verified": "every agreeing value must be verified, otherwise a merge becomes a review",
    "id_spaces": 'the rule holds between records of these id spaces only; `"*"` is all',
    "confirm_any": (
        "attributes, such as a family name and a birthday: one of them must agree too. Each may name "
        'its [level](../guides/compare.md), as in `"lastName:near"`, and several joined by `and` must '
        'all agree: `"firstName and dateOfBirth:near"`. Only texts that a customer can have: the '
        "platform's names (`lastName`, `dateOfBirth`, …) or `custom.NAME`; any other name is a mistake "
        "of the file"
    ),
    "confirm_missing": "what follows if there is nothing to compare",
    "not_confirmed": "what follows if none agrees: `refuse` means that the rule does not fire",
}
CONFLICT: Meanings = {
    "policy": (
        "what happens if a merge would break a limit; see "
        "[limits](../guides/rules-limits.md#when-a-merge-would-break-a-limit)"
    ),
    "ambiguous": (
        "a record fits two profiles that cannot be one: `separate` joins neither, `best` takes the "
        "stronger evidence, `review` asks"
    ),
    "resplit": (
        "what happens if later evidence shows that a join was wrong: `review` asks, `auto` splits, `off` keeps it"
    ),
}
MERGE: Meanings = {
    "survivor": (
        "which profile stays; see [which profile "
        "survives](../guides/rules-limits.md#which-profile-survives-a-merge)"
    ),
    "max_records": "a profile with more records than this needs a person",
    "max_profiles_at_once": "one request that joins more profiles than this needs a person (1: any two known ones)",
    "protect_balance_over": "a merge that moves more points than this needs a person; 0 is off",
    "cooldown_after_split": (
        "how long records that a person split stay apart, before the rules decide about them again; "
        '`"0"` is not at all'
    ),
    "undo_window": 'how long a merge can be undone; `"0"` is not at all',
    "points": (
        "in forward mode, for two profiles that the platform keeps apart: `propose` asks it for both "
        "balances and puts them before a person; the gateway moves nothing by itself"
    ),
}
ATTRIBUTES: Meanings = {
    "default": "the strategy of every attribute that is not named here",
    "ignore_empty": "whether a filled value always wins over an empty one",
}
REVIEW: Meanings = {
    "auto_close_stale_after": 'an open question that is not answered closes after this; `"ever"` keeps it open',
    "reopen_on_new_evidence": (
        "a question that was rejected or not answered comes back if a rule or a type supports it that "
        "did not before; never between profiles that are pinned apart"
    ),
}
SUGGEST: Meanings = {
    "certainty": "`gateway suggest` asks about two customers if at least this many of 100 such pairs are one person",
    "per_day": "at most this many of its questions are opened in a day, the most certain first",
    "near": (
        "whether it also asks about customers with near names whose e-mail or number is one letter or digit off, or whose "
        "e-mail is the same at another provider"
    ),
    "outcome": (
        'what a search does with the most certain pairs: `"merge"` joins those from `merge_at` on without a question, within '
        "all limits, pins and splits, never two with different birthdays. Such a rule set cannot be activated before a plan of it "
        "has said how many these are"
    ),
    "merge_at": 'with `outcome = "merge"`: how likely two are one person at least, so that they are joined',
}
