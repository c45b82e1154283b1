"""How one checkpoint follows from another, and what is signed."""

import hashlib
import hmac

import msgspec
import pytest

from gateway.audit.checkpoint import (
    Checkpoint,
    End,
    LogState,
    Reach,
    digest_of,
    is_signed,
    read_heads,
    read_state,
    sign,
)


def sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def test_each_checkpoint_adds_new_heads_and_keeps_the_covered_ones() -> None:
    begun = LogState().then(5, begins=["b", "a"])
    assert begun == LogState(begins=("b", "a"), open={"b": Reach(0, "", 5), "a": Reach(0, "", 5)})
    reached = begun.then(9, reaches={"a": (3, "aa")})
    assert reached == LogState(open={"b": Reach(0, "", 5), "a": Reach(3, "aa", 9)})
    ended = reached.then(12, ends={"a": End(4, "ab", 3)}, archived=(2, "header"))
    assert ended == LogState(
        open={"b": Reach(0, "", 5)},
        ends={"a": End(4, "ab", 3)},
        ended=1,
        digest=sha256("\0a\x004\0ab"),
        segments=2,
        archived="header",
    )
    assert ended.then(13) == LogState(
        open={"b": Reach(0, "", 5)}, ended=1, digest=ended.digest, segments=2, archived="header"
    )


def test_the_chains_that_ended_are_covered_in_the_order_of_their_names() -> None:
    ends = {"b": End(2, "bb", 2), "a": End(1, "aa", 1)}
    first = sha256("before\0a\x001\0aa")
    digest = sha256(f"{first}\0b\x002\0bb")
    assert LogState(ended=7, digest="before").then(1, ends=ends).digest == digest
    assert LogState(ended=7, digest="before").then(1, ends=ends).ended == 9


def test_a_state_is_read_as_it_was_written() -> None:
    state = LogState(begins=("a",), open={"a": Reach(1, "aa", 5)}, ends={"b": End(2, "bb", 1)}, ended=1)
    assert state.encoded().startswith('{"version":2,')
    assert read_state(state.encoded()) == state


def test_an_earlier_version_wrote_the_heads_alone() -> None:
    assert read_state('{"a":[1,"aa"]}') is None
    assert read_heads('{"a":[1,"aa"]}') == {"a": (1, "aa")}


@pytest.mark.parametrize("text", ['{"version":2,', '{"version":2,"more":1}', '{"version":2,"open":1}'])
def test_a_state_that_was_edited_is_not_read(text: str) -> None:
    with pytest.raises(msgspec.MsgspecError):
        read_state(text)


@pytest.mark.parametrize("text", ["", "{", '{"a":[1,2]}', '{"a":["1","aa"]}'])
def test_heads_that_were_edited_are_not_read(text: str) -> None:
    with pytest.raises(msgspec.MsgspecError):
        read_heads(text)


def test_a_signature_and_a_digest_stay_what_they_were_in_stored_logs() -> None:
    signature = hmac.digest(b"key", b"gateway.audit.v1\x005\0before\0{}", "sha256")
    assert sign(b"key", 5, "{}", b"before") == signature
    assert is_signed(b"key", Checkpoint(1, 5, "{}", signature), b"before")
    assert not is_signed(b"key", Checkpoint(1, 5, "{}", signature), b"")
    assert digest_of("{}") == sha256("{}")[:32]
