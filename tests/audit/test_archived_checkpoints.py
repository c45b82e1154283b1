"""Which checkpoints may go to the archive, their files, and what is left of the log's proof without them."""

from collections.abc import Callable
from itertools import chain
from pathlib import Path

import pytest

from gateway.audit import archived_checkpoints as module
from gateway.audit.archived_checkpoints import (
    MAGIC,
    ArchivedCheckpoints,
    check_files,
    checkpoint_file_name,
    files_of,
    movable,
    moved_of,
    read_checkpoints,
    write_checkpoints,
)
from gateway.audit.checkpoint import NONE_MOVED, Checkpoint, LogState, Moved, read_state, sign, standing
from gateway.audit.segment import read_header, tips
from gateway.audit.signed import Breach
from tests.audit.log_in_memory import KEY, Log

LATER = 1 << 40


@pytest.fixture
def log() -> Log:
    """`a`, which has ended, is archived; `b` and `c` are not."""
    log = Log().build()
    log.archive("a")
    return log


def held(log: Log) -> dict[str, tuple[int, bytes]]:
    return tips(read_header(cut.header) for cut in log.cuts)


def going(log: Log, before: int = LATER, anchored: int | None = None) -> list[int]:
    return [point.checkpoint_id for point in movable(log.points, held(log), before, anchored)]


def move(log: Log, directory: Path) -> Moved:
    """Move what may go, as the gateway does."""
    some = movable(log.points, held(log), LATER)
    moved, previous = moved_of(some), standing(log.points)[1].as_bytes
    write_checkpoints(directory / checkpoint_file_name(moved), some, previous)
    log.sign(moved=moved)
    log.points = [point for point in log.points if point not in some]
    return moved


# ---- which may go ----


def test_only_checkpoints_whose_events_are_all_archived_may_go(log: Log) -> None:
    assert [*map(going, [Log().build(), log])] == [[], [1, 2]]
    log.archive("b")
    assert going(log) == [1, 2, 3, 4, 5]
    log.archive("c")
    assert going(log) == [1, 2, 3, 4, 5, 6, 7, 8, 9]


def test_what_is_younger_or_waits_for_the_anchor_stays(log: Log) -> None:
    assert (going(log, before=200), going(log, before=100)) == ([1], [])
    assert (going(log, anchored=1), going(log, anchored=0), going(log, anchored=9)) == ([1], [], [1, 2])


def test_the_newest_checkpoint_stays(log: Log) -> None:
    log.archive("b", "c")
    assert going(log) == [point.checkpoint_id for point in log.points[:-1]]


def test_the_first_that_stays_names_all_open_chains() -> None:
    """One of an earlier version does not."""
    log = Log()
    for text in ("{}", "{}"):
        previous = log.points[-1].signature if log.points else b""
        point = Checkpoint(len(log.points) + 1, 1, text, sign(KEY, 1, text, previous))
        log.points.append(point)
    assert going(log) == []
    log.begin("a", 1)
    assert going(log) == [1, 2]


def test_chains_from_before_beginnings_were_signed_end_first() -> None:
    log = Log()
    log.begin("a", 2)
    early = log.links["a"][0]
    log.points.clear()
    log.state = LogState()
    log.sign(reaches={"a": (1, early.hash.hex())})
    log.archive("a")
    log.sign()
    assert going(log) == []
    log.sign(ends={"a": log.end_of(early)})
    log.sign()
    assert going(log) == [1, 2, 3, 4]


# ---- the log without them ----


def test_the_log_verifies_without_them_and_with_their_files(log: Log, tmp_path: Path) -> None:
    whole = [*log.points]
    moved = move(log, tmp_path)
    assert moved == Moved(2, whole[1].signature.hex())
    assert log.breaches() == []
    archived = ArchivedCheckpoints(tmp_path, KEY, moved)
    assert ([*chain.from_iterable(archived.parts())], archived.problem) == (whole[:2], "")
    verifier = log.verifier(moved=[*chain.from_iterable(archived.parts())])
    found = [breach for links in log.links.values() for breach in verifier.feed(links)]
    assert [*found, *verifier.check()] == []
    assert verifier.earlier == log.verifier().earlier == 0


def test_more_of_them_go_later(log: Log, tmp_path: Path) -> None:
    whole = [*log.points]
    move(log, tmp_path)
    log.archive("b")
    whole += log.points[-2:]
    moved = move(log, tmp_path)
    assert moved.number == 5
    assert log.breaches() == []
    assert [*chain.from_iterable(ArchivedCheckpoints(tmp_path, KEY, moved).parts())] == whole[:5]
    assert len(list(tmp_path.iterdir())) == 2


def test_rows_of_those_that_went_prove_nothing(log: Log, tmp_path: Path) -> None:
    """They may be there until they are deleted, and other hands may put them back."""
    whole = [*log.points]
    move(log, tmp_path)
    log.points = [Checkpoint(1, 7, "forged", b"x"), whole[1], *log.points]
    assert log.breaches() == []


def _cut_from_the_front(log: Log) -> None:
    del log.points[0]


def _cut_from_the_middle(log: Log) -> None:
    del log.points[1]


def _name_more_as_archived(log: Log) -> None:
    """Without the key."""
    state = read_state(log.points[-1].heads)
    assert state is not None
    more = state.then(1, moved=moved_of(log.points[:2])).encoded()
    log.points[-1] = log.points[-1]._replace(heads=more)


def _name_nothing_as_archived(log: Log) -> None:
    del log.points[-1]


def _name_no_signature(log: Log) -> None:
    heads = log.points[-1].heads
    log.points[-1] = log.points[-1]._replace(heads=heads.replace('"signature":"', '"signature":"?'))


@pytest.mark.parametrize(
    ("forge", "number"),
    [
        (_cut_from_the_front, 4),
        (_cut_from_the_middle, 5),
        (_name_more_as_archived, 9),
        (_name_nothing_as_archived, 3),
        (_name_no_signature, 3),
    ],
)
def test_checkpoints_that_went_without_a_signature_are_found(
    log: Log, tmp_path: Path, forge: Callable[[Log], None], number: int
) -> None:
    move(log, tmp_path)
    assert [point.checkpoint_id for point in log.points] == [3, 4, 5, 6, 7, 8, 9]
    forge(log)
    assert log.breaches() == [Breach("checkpoint", number, "the checkpoint's signature is not valid")]


def test_an_earlier_statement_that_is_put_back_holds_with_its_checkpoints_only(
    log: Log, tmp_path: Path
) -> None:
    move(log, tmp_path)
    earlier = [*log.points]
    log.archive("b")
    move(log, tmp_path)
    log.points = [*earlier[:3], *log.points]
    assert log.breaches() == []
    log.points = [point for point in earlier if point.checkpoint_id != 3]
    assert log.breaches()[0].what == "the checkpoint's signature is not valid"
    log.points = earlier
    assert log.breaches() == [Breach("archive", 2, "the record was inserted: no checkpoint signs it")]


def test_a_statement_that_takes_back_what_went_is_found(log: Log, tmp_path: Path) -> None:
    """Signed with the key, by a gateway that went wrong."""
    moved = move(log, tmp_path)
    for wrong in (Moved(1, moved.signature), Moved(moved.number, "ab"), NONE_MOVED):
        log.sign(moved=wrong)
        log.sign(moved=moved)
        what = "what it says of archived checkpoints does not follow from the one before"
        assert what in [breach.what for breach in log.breaches()]
        del log.points[-2:]
        log.state = log.state.then(0, moved=moved)


def test_an_event_after_an_end_that_went_is_found(log: Log, tmp_path: Path) -> None:
    ended = log.links["b"]
    log.archive("b")
    move(log, tmp_path)
    log.links["b"] = [log.chain("b").link(log.event())]
    assert log.links["b"][0].seq == len(ended) + 1
    (breach,) = log.breaches()
    assert breach == Breach("b", 1, "the chain was inserted: no checkpoint signs its beginning")


# ---- their files ----


@pytest.fixture
def moved(log: Log, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Moved:
    """Two files."""
    monkeypatch.setattr(module, "MOST_POINTS", 3)
    log.archive("b")
    some, previous = movable(log.points, held(log), LATER), b""
    for part in files_of(some):
        write_checkpoints(tmp_path / checkpoint_file_name(moved_of(part)), part, previous)
        previous = part[-1].signature
    assert len(list(tmp_path.iterdir())) == 2
    return moved_of(some)


def _first(directory: Path) -> Path:
    return min(directory.iterdir())


def _remove(path: Path) -> None:
    path.unlink()


def _truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-3])


def _append(path: Path) -> None:
    path.write_bytes(path.read_bytes() + b"more")


def _edit_the_header(path: Path) -> None:
    path.write_bytes(path.read_bytes().replace(b'"before":""', b'"before":"ab"'))


def _spoil_the_header(path: Path) -> None:
    path.write_bytes(path.read_bytes().replace(b'"before":""', b'"before":"zz"'))


def _replace_by_another(path: Path) -> None:
    path.write_bytes(max(path.parent.iterdir()).read_bytes())


def _lead_elsewhere(path: Path) -> None:
    kept = path.with_name("kept")
    path.rename(kept)
    path.symlink_to(kept)


def _edit_a_checkpoint(path: Path) -> None:
    header, points = read_checkpoints(path)
    path.unlink()
    points[1] = points[1]._replace(at=points[1].at + 1)
    write_checkpoints(path, points, bytes.fromhex(header.before))


@pytest.mark.parametrize(
    "forge",
    [
        _remove,
        _truncate,
        _append,
        _edit_the_header,
        _spoil_the_header,
        _replace_by_another,
        _lead_elsewhere,
        _edit_a_checkpoint,
    ],
)
def test_a_file_that_was_forged_or_is_missing_is_named(
    moved: Moved, tmp_path: Path, forge: Callable[[Path], None]
) -> None:
    path = _first(tmp_path)
    forge(path)
    archived = ArchivedCheckpoints(tmp_path, KEY, moved)
    assert ([*chain.from_iterable(archived.parts())], archived.number) == ([], 3)
    assert archived.problem.startswith(f"{path.name}: ")
    assert [what for _, what in check_files(tmp_path, KEY)[1] if what.startswith(f"{path.name}: ")]


def test_files_are_checked_by_themselves_too(moved: Moved, tmp_path: Path) -> None:
    assert check_files(tmp_path, KEY) == (moved.number, [])
    assert check_files(tmp_path / "missing", KEY) == (0, [])
    count, wrong = check_files(tmp_path, b"another key")
    assert (count, len(wrong)) == (0, 2)


def test_a_file_of_a_killed_run_is_used_if_it_holds_the_same(moved: Moved, tmp_path: Path) -> None:
    path = _first(tmp_path)
    header, points = read_checkpoints(path)
    write_checkpoints(path, points, bytes.fromhex(header.before))
    path.write_bytes(MAGIC)
    with pytest.raises(ValueError, match="holds no checkpoints"):
        write_checkpoints(path, points, bytes.fromhex(header.before))
    assert path.read_bytes() == MAGIC
