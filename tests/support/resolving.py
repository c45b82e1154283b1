"""Rule sets and states for tests of single requests."""

from rules.decision import Decision
from rules.identifier import Evidence
from rules.online.resolve import teaches_nothing
from rules.policy import Policy
from rules.ruleset import IdentifierRules, Rule, RuleSet
from tests.support.rules_state import State, key

LOYALTY = IdentifierRules("opaque", strength=100, max_per_profile=1, immutable=True)
MOBILE = IdentifierRules("phone", strength=80)
EMAIL = IdentifierRules("email", strength=70)
EITHER = (Rule("mobile", ("mobile",)), Rule("email", ("email",)))


def known(state: State, *evidence: Evidence) -> bool:
    record = state.record("web", "1")
    assert record is not None
    return teaches_nothing(state.key, Policy(state.rules), record, evidence)


# ---- guards ----


def two_profiles(rules: RuleSet) -> State:
    state = State(rules)
    state.send("web:1", mobile="1")
    state.send("web:2", email="a")
    return state


PROVED = Rule("email", ("email",), needs_verified=True)


def stating(value: str, *, verified: bool = False) -> list[Evidence]:
    return [Evidence(key("email", value), verified=verified)]


def decided(state: State, where: str, value: str, *, verified: bool = False) -> Decision:
    state.now += 1
    decision = state.ask(where, stating(value, verified=verified))
    assert decision is not None
    return decision
