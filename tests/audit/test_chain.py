"""The audit chain: whatever is changed in the stored log is found, and named by its place (F39)."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.audit.chain import Bound, Chain, Link, event_hash, read_bound
from gateway.audit.checkpoint import Checkpoint, sign
from gateway.audit.event import AuditEvent
from gateway.audit.signed import Breach
from gateway.audit.verify import Verifier, verifier_of

KEY = b"the key of the checkpoints"


def event(n: int) -> AuditEvent:
    return AuditEvent(
        n, 1_000 + n, "customer.updated", "ok", "web", "key", "prf", "rec", f"req-{n}", "", "{}"
    )


def written(count: int, name: str = "a") -> list[Link]:
    chain = Chain(name)
    return [chain.link(each) for each in map(event, range(1, count + 1))]


def checkpoint(links: list[Link], number: int = 1, previous: bytes = b"", key: bytes = KEY) -> Checkpoint:
    heads = msgspec.json.encode({links[-1].chain: (links[-1].seq, links[-1].hash.hex())}).decode()
    return Checkpoint(number, 5_000, heads, sign(key, 5_000, heads, previous))


def verified(links: list[Link], points: list[Checkpoint] | None = None) -> list[Breach]:
    """Without `points`, the chain by itself."""
    verifier = verifier_of(KEY, points or [])
    return [*verifier.feed(links), *(verifier.check() if points else [])]


def test_an_untouched_log_holds() -> None:
    links = written(20)
    assert verified(links, [checkpoint(links[:10])]) == []


def test_a_log_may_be_checked_in_any_pieces() -> None:
    links = written(10)
    verifier = Verifier()
    for link in links:
        assert list(verifier.feed([link])) == []
    assert verifier.events == 10
    assert verifier.heads == {"a": (10, links[-1].hash)}


def test_chains_of_several_writers_are_independent() -> None:
    one, other = written(5, "a"), written(5, "b")
    mixed = [link for pair in zip(one, other, strict=True) for link in pair]
    assert verified(mixed) == []
    assert one[0].hash != other[0].hash


@pytest.mark.parametrize("name", AuditEvent.__struct_fields__)
@pytest.mark.parametrize("seq", [1, 7, 20])
def test_a_changed_field_of_any_event_is_found_at_its_place(name: str, seq: int) -> None:
    links = written(20)
    kept = links[seq - 1]
    value: Any = getattr(kept.event, name)
    altered = msgspec.structs.replace(
        kept.event, **{name: value + 1 if isinstance(value, int) else f"{value}x"}
    )
    links[seq - 1] = kept._replace(event=altered)
    assert verified(links) == [Breach("a", seq, "the event or its hash was altered")]


@given(st.integers(0, 18), st.sampled_from(["delete", "swap", "insert", "hash"]))
def test_every_way_to_tamper_is_found_at_the_first_place(place: int, way: str) -> None:
    links = written(20)
    match way:
        case "delete":
            del links[place]
        case "swap":
            links[place : place + 2] = links[place + 1], links[place]
        case "insert":
            links.insert(place, links[place]._replace(event=event(99)))
        case _:
            links[place] = links[place]._replace(hash=bytes(32))
    assert [(breach.chain, breach.seq) for breach in verified(links)] == [("a", place + 1)]


@pytest.mark.parametrize("left", [0, 1, 9])
def test_a_cut_off_tail_is_found_back_to_the_last_checkpoint(left: int) -> None:
    links = written(20)
    (breach,) = verified(links[:left], [checkpoint(links[:10])])
    assert (breach.chain, breach.seq) == ("a", 10)
    assert verified(links[:10], [checkpoint(links[:10])]) == []


def test_a_log_that_was_written_anew_does_not_match_its_checkpoint() -> None:
    """A person who holds the database but not the key can hash again, but cannot sign again."""
    links = written(20)
    point = checkpoint(links[:10])
    links[4] = links[4]._replace(event=event(99))
    head = links[3].hash
    for position in range(4, 20):
        head = event_hash("a", position + 1, head, links[position].event)
        links[position] = links[position]._replace(hash=head)
    assert [(breach.chain, breach.seq) for breach in verified(links, [point])] == [("a", 10)]


@pytest.mark.parametrize(
    "change", [{"at": 1}, {"heads": '{"a":[1,""]}'}, {"heads": "{"}, {"signature": bytes(32)}]
)
def test_a_changed_checkpoint_is_found(change: dict[str, Any]) -> None:
    links = written(5)
    *_, breach = verified(links, [checkpoint(links)._replace(**change)])
    assert breach == Breach("checkpoint", 1, "the checkpoint's signature is not valid")


def test_a_removed_checkpoint_breaks_the_next_ones_signature() -> None:
    links = written(5)
    first = checkpoint(links[:2])
    second = checkpoint(links, 2, first.signature)
    assert verified(links, [first, second]) == []
    assert [breach.seq for breach in verified(links, [second])] == [2]


def test_links_that_were_rolled_back_leave_no_trace() -> None:
    chain = Chain("a")
    first = chain.link(event(1))
    chain.keep(chain.tip)
    chain.link(event(2))
    chain.link(event(3))
    chain.rewind()
    second = chain.link(event(4))
    assert verified([first, second]) == []


def test_the_first_event_names_the_beginning_even_from_a_later_transaction() -> None:
    """The one that began the chain had no event, and the one behind it was rolled back."""
    chain = Chain("a")
    chain.begin("digest", 7)
    assert chain.begun
    assert read_bound(chain.link(event(1)).bound) == Bound("digest", 7)
    chain.rewind()
    assert not chain.begun
    chain.begin("digest", 7)
    chain.keep(chain.tip)
    chain.cover({"record": {"1": "of a row that was rolled back"}})
    chain.rewind()
    assert read_bound(chain.link(event(1)).bound) == Bound("digest", 7)
    assert chain.link(event(2)).bound == ""


def test_a_beginning_that_vouches_for_no_rows_says_so_by_leaving_them_out() -> None:
    chain = Chain("a")
    chain.begin("digest")
    assert chain.link(event(1)).bound == '{"log":"digest"}'


def test_the_next_event_vouches_for_all_rows_reported_before_it() -> None:
    chain = Chain("a")
    for rows in ({"record": {"1": "x"}}, {"record": {"1": "y", "2": "z"}, "pin": {"3": "w"}}):
        chain.cover(rows)
    bound = read_bound(chain.link(event(1)).bound)
    assert bound == Bound(rows={"record": {"1": "y", "2": "z"}, "pin": {"3": "w"}})
    assert chain.link(event(2)).bound == ""


@given(st.text(), st.text())
def test_no_two_different_events_are_hashed_alike(one: str, other: str) -> None:
    """Text cannot be moved from a field into its neighbour."""
    a = msgspec.structs.replace(event(1), actor=one + other, profile="")
    b = msgspec.structs.replace(event(1), actor=one, profile=other)
    assert (event_hash("a", 1, b"", a) == event_hash("a", 1, b"", b)) == (other == "")
