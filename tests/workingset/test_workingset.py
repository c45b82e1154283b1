"""The working set: what is known of one profile is found at once, whatever else a batch has loaded."""

from collections.abc import Callable
from typing import Any, NoReturn

import pytest

from gateway.ids import Ids
from gateway.model import CustomerRecord, PinRow, ReviewItem
from gateway.usecases.detach import request_regrouping
from gateway.workingset import NotLoaded, WorkingSet
from rules.identifier import Identifier
from rules.record import Profile

OTHERS = 20


def leave_question(number: int, profile_id: int) -> ReviewItem:
    return ReviewItem(number, profile_id, profile_id, "open", "resplit:generic", "", (), 0, records=(number,))


def pin(one: int, other: int, kind: str = "cannot") -> PinRow:
    return PinRow(one, other, kind, None, "operator", "", 0)  # type: ignore[arg-type]


def loaded(ws: WorkingSet, profile_id: int, *record_ids: int) -> None:
    """As the store leaves it after it has loaded a profile."""
    ws.profiles.put(profile_id, Profile(profile_id, 0))
    for record_id in record_ids:
        record = CustomerRecord(record_id, "web", str(record_id), profile_id, 0)
        ws.profiles[profile_id].records[record_id] = ws.by_record_id[record_id] = record


def crowded() -> WorkingSet:
    """A question and a pin for each of very many."""
    ws = WorkingSet(0, Ids(0))
    loaded(ws, 3, 7)
    loaded(ws, OTHERS)
    for number in range(OTHERS):
        ws.know_review(leave_question(number, number))
        ws.know_pin(pin(2 * number, 2 * number + 1))
    return ws


class Unwalked(dict[Any, Any]):
    """What is found by its key, and never by looking through."""

    def _walked(self, *_: object) -> NoReturn:
        raise AssertionError("all entries are looked through")

    __iter__ = keys = values = items = _walked  # type: ignore[assignment]


def test_reviews_and_pins_of_other_profiles_are_not_walked_through() -> None:
    """A chunk of an import asks for it with each row: looking through all would take a millisecond each time."""
    ws = crowded()
    for name in ("pinned", "reviews", "leaving"):
        setattr(ws, name, Unwalked(getattr(ws, name)))
    for collection in (ws.all_pins, ws.review_items):
        setattr(collection, "held", Unwalked(collection.held))  # noqa: B010 - typed otherwise
    assert ws.leave_questions(OTHERS) == []
    assert list(ws.pins([7])) == [pin(6, 7)]


def test_a_value_is_looked_at_again_once_however_many_steps_of_a_batch_ask_for_it() -> None:
    steps: list[int] = []
    ws = WorkingSet(0, Ids(0), lambda ws: steps.append(len(ws.regroupings.changed)))
    for _ in range(2):
        request_regrouping(ws, "value", "generic", identifier=Identifier("mobile", "+201000000100"))
        request_regrouping(ws, "profile", "pin", profile_id=7)
        ws.end_step()
    assert steps == [2, 0]


def test_the_questions_of_one_profile_are_the_open_ones_about_it() -> None:
    ws = crowded()
    ws.know_review(leave_question(3, 3))
    another = leave_question(OTHERS, 3)
    ws.keep_review(another)
    assert [item.review_id for item in ws.leave_questions(3)] == [3, OTHERS]
    ws.close_review(another, "stale", "test")
    assert [item.review_id for item in ws.leave_questions(3)] == [3]


def test_the_pins_of_a_record_are_those_that_stand_each_once() -> None:
    ws = WorkingSet(0, Ids(0))
    loaded(ws, 9, 1, 2, 3)
    for one, other in ((1, 2), (1, 3), (2, 3)):
        ws.set_pin(pin(one, other))
    ws.set_pin(pin(1, 2, "must"))
    ws.drop_pin(pin(1, 3))
    found = [one for one in ws.pins([1, 2]) if isinstance(one, PinRow)]
    assert [(one.record_a, one.record_b, one.kind) for one in found] == [(1, 2, "must"), (2, 3, "cannot")]
    ws.set_pin(pin(1, 3))
    assert len(list(ws.pins([3, 1]))) == 3


@pytest.mark.parametrize(
    "read",
    [
        lambda ws: ws.pins([1, 2]),
        lambda ws: ws.pin_of((2, 4)),
        lambda ws: ws.leave_questions(8),
        lambda ws: ws.review_of((7, 8)),
        lambda ws: ws.windows_of(8),
        lambda ws: ws.window(8, 1),
    ],
    ids=["pins", "pin_of", "leave_questions", "review_of", "windows_of", "window"],
)
def test_what_is_loaded_with_a_profile_cannot_be_read_before(read: Callable[[WorkingSet], object]) -> None:
    """Record 2 was loaded alone, without the profile that it is on."""
    ws = WorkingSet(0, Ids(0))
    loaded(ws, 9, 1)
    ws.by_record_id[2] = CustomerRecord(2, "web", "2", 8, 0)
    with pytest.raises(NotLoaded):
        read(ws)
    loaded(ws, 8, 2)
    assert not read(ws)
