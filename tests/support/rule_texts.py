"""Texts of rule files: a full one, the smallest one, and changed ones."""

from rules.language.parse import parse
from rules.language.problems import Problem, describe
from rules.ruleset import (
    RuleSet,
)

DAY = 86_400_000
FULL = r"""[rules]
schema = 1
version = "2026-11-23.1"
mode = "enforce"
activation = "after_dry_run"

[id_space.pos]
trust = 50
ids_per_profile = 3
on_many_ids = "review"
[id_space.web]
trust = 60
verified = ["email"]

[identifier.mobile]
kind = "phone"
merge = true
strength = 80
max_per_profile = 3
window = "ever"
at_limit = "keep_old"
max_profiles = 1
fanout_limit = 5
fanout_window = "ever"
on_fanout = "quarantine"
stale_after = "0"
require_verified = false
types = ["MOBILE", "FIXED_LINE_OR_MOBILE"]
extension = "keep"
idd_00_as_plus = true
renumbered = true
[identifier.email]
kind = "email"
strength = 70
max_per_profile = 5
fanout_limit = 5
casefold_local = true
provider_canonical = "review"
reject_role = true
reject_masked = true
disposable = "review"
[identifier.loyalty_id]
kind = "opaque"
pattern = '^\d{8,16}$'
strength = 100
max_per_profile = 1
immutable = true

[blocked]
exact = ["", "null", "Anonymous", " n/a "]
patterns = ['^[0-]*$', '^(\d)\1{6,}$', '^(0?1234567|9876543)']
emails = ["test@test.com", "NoReply@*"]
phones = ["own:stores", "+49 30 123456"]
builtin = true

[[rule]]
name = "same-loyalty-id"
all_of = ["loyalty_id"]
outcome = "merge"
[[rule]]
name = "mobile-and-email"
all_of = [
  "mobile",
  "email",
]
outcome = "merge"
[[rule]]
name = "mobile"
all_of = ["mobile"]
outcome = "merge"
unless_differs = ["loyalty_id"]
needs_verified = false
id_spaces = ["*"]
confirm_any = []
confirm_missing = "merge"
not_confirmed = "review"
[[rule]]
name = "email"
all_of = ["email"]
outcome = "merge"
unless_differs = ["loyalty_id", "mobile"]

[conflict]
policy = "review"
ambiguous = "separate"
resplit = "review"

[merge]
survivor = ["has:loyalty_id", "oldest", "lowest_id"]
max_records = 50
max_profiles_at_once = 5
protect_balance_over = 0
cooldown_after_split = "ever"
undo_window = "ever"
points = "off"
[attributes]
default = "newest"
ignore_empty = true
"name" = "id_space_order:web,pos"
"birthday" = "oldest"
"consent.*" = "most_restrictive"
[review]
auto_close_stale_after = "180d"
reopen_on_new_evidence = true
"""
MINIMAL = """[rules]
schema = 1
version = "1"
[identifier.email]
kind = "email"
fanout_limit = 5
[[rule]]
name = "email"
all_of = ["email"]
"""


def valid(text: str) -> RuleSet:
    result = parse(text)
    assert isinstance(result, RuleSet), describe(result)
    return result


def problems(text: str) -> tuple[Problem, ...]:
    result = parse(text)
    assert isinstance(result, tuple)
    return result


def changed(old: str, new: str) -> str:
    assert FULL.count(old) == 1, old
    return FULL.replace(old, new)
