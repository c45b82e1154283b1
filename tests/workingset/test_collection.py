"""A collection knows what was asked for, what was looked up, and what changed; what was not looked up cannot be read."""

import pytest

from gateway.ids import Ids
from gateway.workingset import Collection, NotLoaded, WorkingSet


@pytest.fixture
def numbers() -> Collection[str, int | None]:
    return Collection("numbers")


def test_a_key_that_was_not_looked_up_cannot_be_read(numbers: Collection[str, int | None]) -> None:
    for read in (lambda: numbers["one"], lambda: numbers.held["one"]):
        with pytest.raises(NotLoaded, match="numbers"):
            read()
    assert "one" not in numbers


def test_an_absent_key_can_be_read_once_it_was_looked_up(numbers: Collection[str, int | None]) -> None:
    numbers.put("one", None)
    assert numbers["one"] is None
    assert "one" in numbers


def test_a_key_is_wanted_until_it_was_looked_up(numbers: Collection[str, int | None]) -> None:
    assert not numbers.want("one")
    assert not numbers.want_all(["one", "two"])
    numbers.put("two", 2)
    assert numbers.take_wanted() == ["one"]
    assert not numbers.wanted
    numbers.absent.add("one")
    assert numbers.want_all(["one", "two"])
    with pytest.raises(NotLoaded):
        assert numbers["one"]


def test_a_new_row_that_is_changed_again_is_still_new(numbers: Collection[str, int | None]) -> None:
    numbers.add("one", 1)
    numbers.keep("one", 11)
    numbers.keep("two", 2)
    assert (numbers.added, numbers.changed) == ({"one": 11}, {"two": 2})
    assert numbers["one"] == 11


def test_a_row_that_is_dropped_is_deleted_and_not_saved(numbers: Collection[str, int | None]) -> None:
    for key in ("one", "two"):
        numbers.add(key, 1)
        numbers.keep(key, 2)
        numbers.remove(key, None)
    assert (numbers.added, numbers.changed, [*numbers.dropped]) == ({}, {}, ["one", "two"])
    assert numbers["one"] is None
    numbers.keep("two", 3)
    assert (numbers.changed, [*numbers.dropped]) == ({"two": 3}, ["one", "two"])


def test_after_a_save_nothing_is_changed_and_all_is_known(numbers: Collection[str, int | None]) -> None:
    numbers.add("one", 1)
    numbers.keep("two", 2)
    numbers.remove("three", None)
    numbers.saved()
    assert (numbers.added, numbers.changed, numbers.dropped) == ({}, {}, {})
    assert [*numbers.values()] == [1, 2, None]


def test_a_forgotten_key_must_be_asked_for_again(numbers: Collection[str, int | None]) -> None:
    numbers.put("one", 1)
    numbers.forget("one")
    with pytest.raises(NotLoaded):
        assert numbers["one"]
    assert not numbers.want("one")


def test_a_working_set_has_the_collections_that_its_batch_uses() -> None:
    ws = WorkingSet(0, Ids(0))
    assert ws.collections == {}
    assert not ws.wanting()
    ws.merges.want(1)
    assert list(ws.collections) == ["merges"]
    assert ws.merges is ws.collections["merges"]
    assert ws.wanting() == ["merges"]
