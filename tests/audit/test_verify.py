"""A log with signed beginnings and ends: each way to forge it is found, named by its place and told in words."""

from collections.abc import Callable
from itertools import chain
from typing import Any

import msgspec
import pytest

from gateway.audit.chain import Chain, Link, event_hash
from gateway.audit.checkpoint import Checkpoint, End, LogState, Reach, sign
from gateway.audit.signed import Breach, Signed
from gateway.audit.verify import Tail, Verifier
from tests.audit.log_in_memory import KEY, Log


@pytest.fixture
def log() -> Log:
    return Log().build()


@pytest.fixture
def cut() -> Log:
    log = Log().build()
    log.archive("a")
    log.archive("b")
    return log


def checked(log: Log) -> Verifier:
    verifier = log.verifier()
    for links in log.links.values():
        assert list(verifier.feed(links)) == []
    assert list(verifier.check()) == []
    return verifier


def test_an_untouched_log_holds_and_says_what_is_not_proven(log: Log) -> None:
    verifier = checked(log)
    assert (verifier.events, verifier.archived, verifier.earlier, verifier.rows_since) == (8, 0, 0, None)
    assert verifier.tails() == [Tail("b", 1, 400, 5, True), Tail("c", 1, 700, 8, False)]
    assert [verifier.is_signed(link) for link in log.links["c"]] == [True, True, False]
    assert not verifier.is_signed(Chain("x").link(log.event()))


def test_a_chain_without_any_proof_has_its_beginning_as_the_time(log: Log) -> None:
    log.begin("d", 2)
    assert Tail("d", 2, 800, 10, False) in checked(log).tails()
    verifier = Verifier()
    assert list(verifier.feed(Chain("e").link(log.event()) for _ in range(1))) == []
    assert verifier.tails() == [Tail("e", 1, 11, 11, False)]


def test_a_head_that_is_signed_again_is_signed_since_the_first_time(log: Log) -> None:
    log.sign(reaches={"c": (2, log.links["c"][1].hash.hex())})
    assert checked(log).tails()[-1] == Tail("c", 1, 700, 8, False)


def test_tails_that_were_signed_as_they_were_found_come_last_and_the_newest_of_each_kind_last() -> None:
    log = Log()
    for name in ("d", "e", "f", "g"):
        log.begin(name, 2)
    log.sign(ends={"g": log.end("g", 1), "e": log.end("e", 1)})
    assert [(tail.chain, tail.found) for tail in checked(log).tails()] == [
        ("e", True),
        ("g", True),
        ("d", False),
        ("f", False),
    ]


# ---- forgeries of events ----


def _anew(log: Log, chain: str, first: int, links: list[Link]) -> None:
    """The links of a chain with every hash from `first` on made anew."""
    head = links[first - 2].hash if first > 1 else b""
    log.links[chain] = links[: first - 1]
    for seq, link in enumerate(links[first - 1 :], first):
        head = event_hash(chain, seq, head, link.event, link.bound)
        log.links[chain].append(link._replace(seq=seq, hash=head))


def _drop_one(log: Log) -> None:
    del log.links["a"][1]


def _edit_one(log: Log) -> None:
    log.links["a"][1] = log.links["a"][1]._replace(event=log.event())


def _edit_what_is_bound(log: Log) -> None:
    log.links["a"][1] = log.links["a"][1]._replace(bound="{}")


def _edit_one_and_hash_anew(log: Log) -> None:
    links = log.links["a"]
    links[1] = links[1]._replace(event=log.event())
    _anew(log, "a", 2, links)


def _append_to_a_chain_that_ended(log: Log) -> None:
    last = log.links["a"][-1]
    _anew(log, "a", 4, [*log.links["a"], last])


def _name_another_beginning(log: Log) -> None:
    """Of the part of an open chain before its first signature."""
    log.begin("d", 1)
    _anew(log, "d", 1, [link._replace(bound='{"log":"another"}') for link in log.links["d"]])


def _cut_an_end(log: Log) -> None:
    del log.links["a"][2:]


def _cut_a_signed_event(log: Log) -> None:
    del log.links["c"][1:]


def _remove_a_chain(log: Log) -> None:
    del log.links["a"]


def _remove_a_chain_of_one_event(log: Log) -> None:
    log.begin("d", 1)
    log.sign(reaches={"d": (1, log.links.pop("d")[0].hash.hex())})


def _insert_a_chain(log: Log) -> None:
    log.links["x"] = [Chain("x").link(log.event())]


FORGED: dict[Callable[[Log], None], Breach] = {
    _drop_one: Breach("a", 2, "event 2 is missing: the next one stored is 3"),
    _edit_one: Breach("a", 2, "the event or its hash was altered"),
    _edit_what_is_bound: Breach("a", 2, "the event or its hash was altered"),
    _edit_one_and_hash_anew: Breach("a", 3, "the chain was rewritten: a checkpoint signed another event"),
    _append_to_a_chain_that_ended: Breach(
        "a", 4, "the event was added: the chain's end is signed at event 3"
    ),
    _name_another_beginning: Breach(
        "d", 1, "the chain's beginning names another checkpoint than the one that signs it"
    ),
    _cut_an_end: Breach("a", 3, "the chain was cut: a checkpoint signed event 3"),
    _cut_a_signed_event: Breach("c", 2, "the chain was cut: a checkpoint signed event 2"),
    _remove_a_chain: Breach("a", 3, "the chain was cut: a checkpoint signed event 3"),
    _remove_a_chain_of_one_event: Breach("d", 1, "the chain was cut: a checkpoint signed event 1"),
    _insert_a_chain: Breach("x", 1, "the chain was inserted: no checkpoint signs its beginning"),
}


@pytest.mark.parametrize("forge", FORGED)
def test_a_forged_chain_is_named_once_and_the_others_hold(log: Log, forge: Callable[[Log], None]) -> None:
    forge(log)
    assert log.breaches() == [FORGED[forge]]


def test_what_follows_a_breach_is_neither_believed_nor_named_again(log: Log) -> None:
    _drop_one(log)
    verifier = log.verifier()
    assert len(list(verifier.feed([*log.links["a"], log.links["a"][0], *log.links["b"]]))) == 1
    assert verifier.heads == {"a": (1, log.links["a"][0].hash), "b": (2, log.links["b"][1].hash)}
    assert verifier.events == 5
    assert list(verifier.feed(log.links["c"])) == []
    assert [tail.chain for tail in verifier.tails()] == ["b", "c"]


def test_only_what_holds_and_is_open_has_a_tail(log: Log) -> None:
    log.begin("d", 1)
    log.sign(reaches={"d": (1, log.links["d"][0].hash.hex())})
    log.links["c"].append(log.links["c"][0])
    _insert_a_chain(log)
    verifier = log.verifier()
    assert [len(list(verifier.feed(links))) for links in log.links.values()] == [0, 0, 1, 0, 0]
    assert [breach.chain for breach in verifier.check()] == ["x"]
    assert [tail.chain for tail in verifier.tails()] == ["b"]


# ---- forgeries of checkpoints ----


_LIST = "the list of chains does not follow from the one before: y"
_DIGEST = "the digest of the chains that ended does not follow from the one before"
_ARCHIVE = "what it says of the archive does not follow from the one before"
OPEN, ENDED = Reach(0, "", 1), End(0, "", 0)


@pytest.mark.parametrize(
    ("fields", "problems"),
    [
        ({"open": {"y": OPEN}, "begins": ("y",)}, []),
        ({"open": {"y": OPEN}}, [_LIST]),
        ({"ends": {"z": ENDED}, "open": {"y": OPEN}}, [_LIST, _DIGEST]),
        ({"ends": {"y": ENDED}}, [_LIST, _DIGEST]),
        ({"digest": "another"}, [_DIGEST]),
        ({"segments": 3}, [_ARCHIVE]),
        ({"archived": "another"}, [_ARCHIVE]),
        ({"segments": 1, "archived": "another"}, [_ARCHIVE]),
    ],
)
def test_a_state_that_does_not_follow_from_the_one_before_is_named(
    cut: Log, fields: dict[str, Any], problems: list[str]
) -> None:
    """Signed with the key: by a gateway with a mistake, or by a person who has it."""
    cut.sign(msgspec.structs.replace(cut.state.then(0), **fields))
    found = cut.verifier().check_signatures()
    named = [breach for breach in found if breach.chain == "checkpoint"]
    assert named == [Breach("checkpoint", len(cut.points), problem) for problem in problems]


def test_the_first_signature_that_is_not_valid_is_the_only_breach(log: Log) -> None:
    _insert_a_chain(log)
    log.points[1:2] = []
    log.points[3] = log.points[3]._replace(signature=b"")
    breach = Breach("checkpoint", 3, "the checkpoint's signature is not valid")
    assert log.breaches() == [breach]
    assert log.verifier().check_signatures() == [breach]


def test_a_log_without_checkpoints_is_not_signed_at_all(log: Log, cut: Log) -> None:
    breach = Breach("checkpoint", 1, "there is no checkpoint: the log is not signed at all")
    log.points.clear()
    assert log.breaches() == [breach]
    cut.points.clear()
    assert cut.verifier().check_signatures() == [breach]
    assert Verifier().check_signatures() == []


def test_a_checkpoint_that_cannot_be_read_is_passed_over_until_its_signature_is_checked(log: Log) -> None:
    log.points.insert(3, log.points[3]._replace(heads="{"))
    verifier = log.verifier()
    assert [breach for links in log.links.values() for breach in verifier.feed(links)] == []
    assert len(list(verifier.check())) == 1


# ---- logs from before beginnings were signed ----


@pytest.mark.parametrize(("at", "since"), [(199, 200), (200, 201), (900, 901)])
def test_chains_from_before_beginnings_were_signed_are_counted_and_their_rows_may_be_unproven(
    at: int, since: int
) -> None:
    log = Log()
    late = msgspec.structs.replace(log.event(), at=at)
    old = {name: Chain(name) for name in ("p", "q")}
    log.links = {name: [chain.link(log.event()), chain.link(late)] for name, chain in old.items()}
    heads = msgspec.json.encode({"p": (1, log.links["p"][0].hash.hex()), "q": (0, "")}).decode()
    log.points.append(Checkpoint(1, 50, heads, sign(KEY, 50, heads, b"")))
    before = checked(log)
    assert (before.earlier, before.rows_since) == (2, at + 1)
    assert before.tails() == [Tail("p", 1, 50, at, False), Tail("q", 2, 50, at, False)]
    ends = {name: log.end(name, 0) for name in log.links}
    log.sign(LogState().then(0, ends=ends))
    log.begin("r", 0)
    log.links["r"] = [Chain("r").link(msgspec.structs.replace(late, at=2_000))]
    after = log.verifier()
    assert [len(list(after.feed(links))) for links in log.links.values()] == [0, 0, 1]
    assert (after.earlier, after.rows_since) == (2, since)


# ---- archived logs ----


def test_a_cut_log_holds_alone_and_after_its_archive(cut: Log) -> None:
    alone = checked(cut)
    assert (alone.events, alone.archived) == (3, 5)
    assert alone.heads.keys() == {"a", "b", "c"}


def test_with_the_archive_the_events_come_first_and_the_rest_continues_from_it(log: Log) -> None:
    whole, header = dict(log.links), log.archive("a", "b")
    verifier = log.verifier(whole=True)
    assert verifier.heads == {}
    verifier.begin(header)
    assert list(verifier.feed(whole["a"][1:])) == [
        Breach("a", 1, "event 1 is missing: the next one stored is 2")
    ]
    verifier.begin(header)
    assert [breach for name in "ab" for breach in verifier.feed(whole[name])] == []
    assert list(verifier.feed(whole["a"])) == [Breach("a", 4, "event 4 is missing: the next one stored is 1")]
    verifier.reach_cut()
    assert verifier.heads == {name: (whole[name][-1].seq, whole[name][-1].hash) for name in "ab"}
    assert list(verifier.feed(whole["c"])) == []
    assert list(verifier.check()) == []


def test_an_archive_from_before_a_new_secret_is_vouched_for_by_its_headers_alone(log: Log) -> None:
    """The checkpoints of the former secret are gone with all that they said of the archived chains."""
    links, header = log.links["a"], log.archive("a")
    log.points.clear()
    log.links = {"c": log.links["c"]}
    log.sign(LogState(open={"c": log.state.open["c"]}, segments=1, archived=log.state.archived))
    verifier = log.verifier(whole=True)
    verifier.begin(header)
    for fed in (links, log.links["c"], [Chain("x").link(log.event())]):
        assert list(verifier.feed(fed)) == []
    assert list(verifier.check()) == [
        Breach("x", 1, "the chain was inserted: no checkpoint signs its beginning")
    ]


def test_a_chain_goes_on_in_the_log_where_its_archived_part_ends(log: Log) -> None:
    rest = log.links["c"][2:]
    log.links["c"] = log.links["c"][:2]
    log.archive("c")
    log.links["c"] = rest
    verifier = checked(log)
    assert verifier.tails()[-1] == Tail("c", 1, 700, 8, False)


def _remove(number: int) -> Callable[[Log], None]:
    def forge(log: Log) -> None:
        log.cuts[:] = [cut for cut in log.cuts if cut.segment != number]

    return forge


def _insert(log: Log) -> None:
    log.cuts.append(log.cuts[-1]._replace(segment=3))


def _edit_a_header(number: int) -> Callable[[Log], None]:
    def forge(log: Log) -> None:
        cut = log.cuts[number - 1]
        log.cuts[number - 1] = cut._replace(header=cut.header.replace('"events":', '"events":1'))

    return forge


def _break_a_header(log: Log) -> None:
    log.cuts[0] = log.cuts[0]._replace(header="{")


def _edit_an_id(log: Log) -> None:
    log.cuts[0] = log.cuts[0]._replace(event_id=1)


def _swap(log: Log) -> None:
    one, other = log.cuts
    log.cuts[:] = [other._replace(segment=1), one._replace(segment=2)]


@pytest.mark.parametrize(
    ("forge", "breach"),
    [
        (_remove(1), Breach("archive", 1, "the record of segment 1 was removed")),
        (_remove(2), Breach("archive", 2, "the record of segment 2 was removed")),
        (_insert, Breach("archive", 3, "the record was inserted: no checkpoint signs it")),
        (_edit_a_header(1), Breach("archive", 1, "the record of segment 1 was altered")),
        (_edit_a_header(2), Breach("archive", 2, "the record of segment 2 was altered")),
        (_break_a_header, Breach("archive", 1, "the record of segment 1 was altered")),
        (_edit_an_id, Breach("archive", 1, "the record of segment 1 was altered")),
        (_swap, Breach("archive", 2, "the record of segment 2 was altered")),
    ],
)
def test_a_forged_record_of_the_archive_is_named(
    cut: Log, forge: Callable[[Log], None], breach: Breach
) -> None:
    forge(cut)
    assert cut.verifier().check_signatures() == [breach]
    assert breach in cut.breaches()


# ---- checkpoints that are read twice ----


def _by(link: Link, actor: str) -> Link:
    return link._replace(event=msgspec.structs.replace(link.event, actor=actor))


def in_pieces(log: Log, again: list[Checkpoint]) -> list[Breach]:
    """The second time, one checkpoint at a time and only as far as the links lack them."""
    signed = Signed(KEY)
    signed.read(log.points)
    verifier, left, found = Verifier(signed, log.cuts), iter(again), list[Breach]()
    for link in sorted(chain.from_iterable(log.links.values()), key=lambda link: link.event.event_id):
        while verifier.lacks([link]):
            verifier.expect([next(left)])
        found += verifier.feed([link])
    verifier.expect([*left])
    return [*found, *verifier.check()]


def test_checkpoints_are_compared_with_events_however_late_they_are_read_again(log: Log) -> None:
    assert in_pieces(log, log.points) == []
    _anew(log, "b", 1, [_by(link, "eve") for link in log.links["b"]])
    breach = Breach("b", 1, "the chain was rewritten: a checkpoint signed another event")
    assert in_pieces(log, log.points)[0] == breach


@pytest.mark.parametrize("reach", [(2, "00"), (1, "")])
def test_a_checkpoint_that_contradicts_an_earlier_one_is_found(log: Log, reach: tuple[int, str]) -> None:
    log.sign(reaches={"c": reach})
    breach = Breach("checkpoint", 8, "what it signs of chain c does not follow from an earlier one")
    assert in_pieces(log, log.points) == [breach]
    assert breach in log.breaches()


def test_checkpoints_that_change_while_they_are_read_are_reported(log: Log) -> None:
    breach = Breach("checkpoint", 0, "the checkpoints were changed while they were read")
    log.sign()
    first, *others = log.points
    assert in_pieces(log, log.points[:-1]) == [breach]
    assert in_pieces(log, [first._replace(at=first.at + 1), *others]) == [breach]
