"""What is remembered of a customer is forgotten with whatever changes it."""

from __future__ import annotations

import pytest

from gateway.clock import MINUTE
from gateway.http.proxy.lookup_cache import Lookup, LookupCache
from gateway.model import Identified, Resolution
from tests.support.in_process_gateway import ManualClock, default_rules, says

ANN = Lookup("web", "ann", says(email="ann@example.com"), None)
FOUND = Identified(Resolution(1, 2, "attached", "known"), "ann")
RULES = default_rules()


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def cache(clock: ManualClock) -> LookupCache:
    cache = LookupCache(clock, MINUTE)
    cache.put(ANN, cache.stamp(ANN, RULES), FOUND)
    return cache


def test_the_same_lookup_is_answered_again(cache: LookupCache) -> None:
    assert cache.get(ANN, RULES) is FOUND
    assert cache.get(ANN._replace(id_space="pos"), RULES) is None
    assert cache.get(ANN._replace(evidence=says(email="bob@example.com")), RULES) is None
    assert cache.get(ANN._replace(guest=True), RULES) is None


@pytest.mark.parametrize("changed", [("web", "ann"), *(item.identifier for item in ANN.evidence)])
def test_a_change_of_the_record_or_of_a_key_is_noticed(cache: LookupCache, changed: tuple[str, str]) -> None:
    cache.invalidate({changed})
    assert cache.get(ANN, RULES) is None


def test_what_was_read_before_a_change_is_not_kept_after_it(cache: LookupCache) -> None:
    before = cache.stamp(ANN, RULES)
    cache.invalidate({("web", "ann")})
    cache.put(ANN, before, FOUND)
    assert cache.get(ANN, RULES) is None


def test_nothing_outlives_its_time_or_its_rules(cache: LookupCache, clock: ManualClock) -> None:
    clock.advance(MINUTE - 1)
    assert cache.get(ANN, RULES) is FOUND
    clock.advance(1)
    assert cache.get(ANN, RULES) is None
    cache.put(ANN, cache.stamp(ANN, RULES), FOUND)
    assert cache.get(ANN, default_rules()) is None


def test_it_holds_no_more_than_it_may(clock: ManualClock) -> None:
    cache = LookupCache(clock, MINUTE)
    lookups = [ANN._replace(customer_id=f"c{number}") for number in range(16_385)]
    for lookup in lookups:
        cache.put(lookup, cache.stamp(lookup, RULES), FOUND)
    assert cache.get(lookups[0], RULES) is None
    assert cache.get(lookups[-1], RULES) is FOUND
