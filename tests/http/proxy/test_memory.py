"""What is remembered of a customer is forgotten with whatever changes it."""

from __future__ import annotations

import pytest

from gateway.clock import MINUTE
from gateway.http.proxy.memory import Memory, Question
from gateway.model import Identified, Resolution
from tests.support.in_process_gateway import ManualClock, default_rules, says

ANN = Question("web", "ann", says(email="ann@example.com"), None)
FOUND = Identified(Resolution(1, 2, "attached", "known"), "ann")
RULES = default_rules()


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def memory(clock: ManualClock) -> Memory:
    memory = Memory(clock, MINUTE)
    memory.keep(ANN, memory.stamp(ANN, RULES), FOUND)
    return memory


def test_the_same_question_is_answered_again(memory: Memory) -> None:
    assert memory.recall(ANN, RULES) is FOUND
    assert memory.recall(ANN._replace(id_space="pos"), RULES) is None
    assert memory.recall(ANN._replace(evidence=says(email="bob@example.com")), RULES) is None
    assert memory.recall(ANN._replace(guest=True), RULES) is None


@pytest.mark.parametrize("changed", [("web", "ann"), *(item.identifier for item in ANN.evidence)])
def test_a_change_of_the_record_or_of_a_key_is_noticed(memory: Memory, changed: tuple[str, str]) -> None:
    memory.forget({changed})
    assert memory.recall(ANN, RULES) is None


def test_what_was_read_before_a_change_is_not_kept_after_it(memory: Memory) -> None:
    before = memory.stamp(ANN, RULES)
    memory.forget({("web", "ann")})
    memory.keep(ANN, before, FOUND)
    assert memory.recall(ANN, RULES) is None


def test_nothing_outlives_its_time_or_its_rules(memory: Memory, clock: ManualClock) -> None:
    clock.advance(MINUTE - 1)
    assert memory.recall(ANN, RULES) is FOUND
    clock.advance(1)
    assert memory.recall(ANN, RULES) is None
    memory.keep(ANN, memory.stamp(ANN, RULES), FOUND)
    assert memory.recall(ANN, default_rules()) is None


def test_it_holds_no_more_than_it_may(clock: ManualClock) -> None:
    memory = Memory(clock, MINUTE)
    questions = [ANN._replace(customer_id=f"c{number}") for number in range(16_385)]
    for question in questions:
        memory.keep(question, memory.stamp(question, RULES), FOUND)
    assert memory.recall(questions[0], RULES) is None
    assert memory.recall(questions[-1], RULES) is FOUND
