"""Rule sets and random calls for the state machines of the invariants."""

from collections.abc import Iterable

from hypothesis import strategies as st
from msgspec.structs import replace

from gateway.model import (
    Caller,
    SaveCustomer,
)
from rules.identifier import Evidence, Identifier
from tests.support.in_process_gateway import (
    caller,
    rule_set_of,
)

SAM = Caller("", "", "operator:sam", "req_sam")
EMAILS = [f"person{n}@example.com" for n in range(3)]
MOBILES = [f"+20100123450{n}" for n in range(3)]
PLACES = [f"{channel}:{n}" for channel in ("web", "pos", "app") for n in range(3)]
_TYPES = """
[rules]
schema = 1
version = "{version}"
[identifier.mobile]
kind = "phone"
strength = 80
fanout_limit = {fanout}
{mobile}
[identifier.email]
kind = "email"
strength = 70
fanout_limit = {fanout}
"""
FREE = (
    _TYPES.format(version="free", fanout=50, mobile="")
    + """
[[rule]]
name = "mobile"
all_of = ["mobile"]
[[rule]]
name = "email"
all_of = ["email"]
"""
)
"""Either key joins, and nothing binds."""


STRICTER = (
    _TYPES.format(version="stricter", fanout=50, mobile="")
    + """
[[rule]]
name = "both"
all_of = ["mobile", "email"]
[[rule]]
name = "mobile"
all_of = ["mobile"]
"""
)
"""An address alone joins no records; nothing binds."""


GUARDED = (
    _TYPES.format(version="guarded", fanout=4, mobile="max_per_profile = 2")
    + """
[id_space.web]
ids_per_profile = 2
[id_space.pos]
[id_space.app]
[[rule]]
name = "mobile"
all_of = ["mobile"]
[[rule]]
name = "email"
all_of = ["email"]
unless_differs = ["mobile"]
[merge]
max_records = 3
"""
)
CAUTIOUS = (
    _TYPES.format(version="cautious", fanout=4, mobile="")
    + """
[[rule]]
name = "mobile"
all_of = ["mobile"]
[[rule]]
name = "email"
all_of = ["email"]
needs_verified = true
[[rule]]
name = "both"
all_of = ["mobile", "email"]
outcome = "review"
"""
)
_UNBOUND = "[merge]\nmax_records = 1000\nmax_profiles_at_once = 1000\n"
_MANY_IDS = "".join(f'[id_space.{space}]\non_many_ids = "allow"\n' for space in ("web", "pos", "app"))
SETTLED = {
    rules.version: rules
    for rules in map(
        rule_set_of,
        (
            FREE + _MANY_IDS + _UNBOUND,
            STRICTER + _MANY_IDS + _UNBOUND,
            GUARDED,
            CAUTIOUS + _MANY_IDS + _UNBOUND,
        ),
    )
}
RULES = SETTLED | {
    rules.version: rules
    for rules in (
        rule_set_of(one.text.replace(f'"{name}"', f'"{name}, {how}"') + f'[conflict]\nresplit = "{how}"\n')
        for name, one in SETTLED.items()
        for how in ("auto", "review")
    )
}
"""Each of them also with an answer to what is to be done where an earlier join was wrong."""


words = st.lists(st.sampled_from(EMAILS + MOBILES), min_size=1, max_size=2, unique=True)
places = st.sampled_from(PLACES)
numbers = st.integers(0, 9)


def saying(place: str, values: Iterable[str], *, verified: bool = False) -> SaveCustomer:
    channel, _, customer_id = place.partition(":")
    evidence = (Identifier("email" if "@" in value else "mobile", value) for value in values)
    return SaveCustomer(
        caller(channel), customer_id, tuple(Evidence(one, verified=verified) for one in evidence)
    )


calls = st.builds(saying, places, words, verified=st.sampled_from([False, False, True]))


def claiming(place: str, values: Iterable[str]) -> SaveCustomer:
    said = saying(place, values)
    claims = tuple(item.identifier for item in said.evidence)
    return replace(
        said, caller=replace(said.caller, source="public", trust="claim"), evidence=(), claims=claims
    )
