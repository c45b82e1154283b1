"""Rules, keys, operators and lists that were changed by a command, or by another gateway on the same database."""

from functools import partial

import structlog

from gateway.errors import StoreUnavailable
from gateway.http.services import Services
from gateway.model import StoredRuleSet
from gateway.store.gateway_reads import active_rules, shared_state
from rules.language.parse import parse
from rules.ruleset import RuleSet

_log = structlog.get_logger("follow")


def readable(stored: StoredRuleSet) -> RuleSet:
    """Raises StoreUnavailable for a rule set that another gateway version stored and this one cannot read."""
    parsed = parse(stored.text, stored=True)
    if not isinstance(parsed, RuleSet):
        raise StoreUnavailable(f"the rule set {stored.version} cannot be read by this gateway version")
    return parsed


async def refresh(services: Services) -> None:
    """Take over the active rule set, the active keys, the operators and the lists of the database. May run any number of times."""
    state, env = await shared_state(services.store), services.env
    services.keyring.refresh(state.keys)
    services.operators.refresh(state.operators)
    own, changed = state.lists, state.rules not in ("", env.rules.sha256)
    active = await active_rules(services.store) if changed else None
    if active is not None:
        await services.pipeline.between_batches(partial(env.use, readable(active), own))
        _log.info("rules_in_use", version=active.version, sha256=active.sha256)
    elif own != env.own:
        await services.pipeline.between_batches(lambda: env.use(env.rules, own))
        _log.info("lists_in_use", lists=sorted(own))
