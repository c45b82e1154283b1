"""Bringing customers in by the file: chunk after chunk, each whole or not at all, each line once."""

from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import msgspec
import pytest
from msgspec.structs import replace

from gateway.model import Imported, ImportPosition, ImportRows, ImportRun, Refused, RefusedLine, SaveCustomer
from tests.support.in_process_gateway import InProcessGateway, caller, customer, environment

IMPORT = "00000000000000aa"


def lines(
    first: int,
    rows: Iterable[SaveCustomer],
    refused: tuple[RefusedLine, ...] = (),
    *,
    last: bool = False,
) -> ImportRows:
    """One row a line, with the refused lines somewhere among them."""
    taken = tuple(rows)
    end = ImportPosition(first + len(taken) + len(refused))
    return ImportRows(caller("pos"), IMPORT, ImportPosition(first), end, taken, refused, last=last)


def of_block(
    block: str, ahead: int, rows: Iterable[SaveCustomer], *, first_line: int = 1, next_line: int | None = None
) -> ImportRows:
    """Rows behind the first `ahead` of a block; its last ones where there is a next line."""
    taken, start = tuple(rows), ImportPosition(first_line, ahead, block)
    within = ImportPosition(first_line, ahead + len(taken), block)
    end = within if next_line is None else ImportPosition(next_line)
    return ImportRows(caller("pos"), IMPORT, start, end, taken)


async def bring(core: InProcessGateway, chunk: ImportRows) -> ImportRun:
    outcome = await core.pipeline.submit_background(chunk)
    assert isinstance(outcome, Imported)
    return outcome.run


async def test_a_row_is_resolved_as_a_call_would_be(core: InProcessGateway) -> None:
    await core.send(customer("web:1", email="ann@x.eg"))
    rows = [
        customer("pos:1", email="ann@x.eg"),
        customer("pos:2", mobile="+201001234567"),
        customer("pos:3", email="ann@x.eg", mobile="+201001234567"),
    ]
    run = await bring(core, lines(1, rows))
    assert run.counts == {"attached": 1, "created": 1, "merged": 1}
    assert len({await core.profile_of(who) for who in ("web:1", "pos:1", "pos:2", "pos:3")}) == 1


async def test_rows_see_the_rows_before_them_in_their_own_chunk(core: InProcessGateway) -> None:
    rows = [customer(f"pos:{number}", email="ann@x.eg") for number in range(3)]
    assert (await bring(core, lines(1, rows))).counts == {"attached": 2, "created": 1}


async def test_the_progress_counts_up_and_ends(core: InProcessGateway) -> None:
    await bring(core, lines(1, [customer("pos:1")], (RefusedLine(2, "bad_csv"),)))
    run = await bring(core, lines(3, [customer("pos:1"), customer("pos:2")], last=True))
    assert run == ImportRun(
        IMPORT,
        "pos",
        core.clock.now(),
        ImportPosition(5),
        {"created": 2, "rejected": 1, "unchanged": 1},
        {},
        core.clock.now(),
    )
    assert await core.rows("SELECT * FROM import_refusal") == [(IMPORT, 2, "bad_csv")]


@pytest.mark.parametrize("first_line", [1, 3])
async def test_lines_that_are_not_the_next_ones_are_refused_and_change_nothing(
    core: InProcessGateway, first_line: int
) -> None:
    await bring(core, lines(1, [customer("pos:1")]))
    refused = await core.pipeline.submit_background(lines(first_line, [customer("pos:9")]))
    assert isinstance(refused, Refused)
    assert refused.code == "import_moved"
    assert await core.profile_of("pos:9") is None


async def test_a_block_is_taken_part_by_part_and_ends_at_the_next_line(core: InProcessGateway) -> None:
    first = await bring(core, of_block("b1", 0, [customer("pos:3"), customer("pos:1")]))
    assert first.reached == ImportPosition(1, 2, "b1")
    second = await bring(core, of_block("b1", 2, [customer("pos:2")], next_line=4))
    assert second.reached == ImportPosition(4)
    (detail,) = await core.column(
        "SELECT detail FROM audit WHERE action = 'import.rows' ORDER BY event_id LIMIT 1"
    )
    assert msgspec.json.decode(detail)["ahead"] == [0, 2]


@pytest.mark.parametrize(("block", "ahead"), [("b1", 0), ("b1", 1), ("b2", 2), ("", 2)])
async def test_rows_that_are_not_the_next_ones_of_a_block_are_refused(
    core: InProcessGateway, block: str, ahead: int
) -> None:
    await bring(core, of_block("b1", 0, [customer("pos:3"), customer("pos:1")]))
    refused = await core.pipeline.submit_background(of_block(block, ahead, [customer("pos:9")]))
    assert isinstance(refused, Refused)
    assert await core.profile_of("pos:9") is None


@pytest.mark.parametrize("block", ["b2", ""])
async def test_lines_in_another_order_begin_their_block_anew(core: InProcessGateway, block: str) -> None:
    await bring(core, of_block("b1", 0, [customer("pos:3"), customer("pos:1")]))
    rows = [customer(f"pos:{number}") for number in (1, 2, 3)]
    run = await bring(core, of_block(block, 0, rows, next_line=4))
    assert (run.reached, run.counts) == (ImportPosition(4), {"created": 3, "unchanged": 2})


async def test_a_chunk_is_one_event_beside_those_of_its_rows(core: InProcessGateway) -> None:
    await bring(core, lines(1, [customer("pos:1", email="ann@x.eg"), customer("pos:2", email="ann@x.eg")]))
    assert await core.actions() == ["identity.created", "identity.attached", "import.rows"]
    (detail,) = await core.column("SELECT detail FROM audit WHERE action = 'import.rows'")
    assert (
        detail
        == '{"ahead":[0,0],"counts":{"attached":1,"created":1},"lines":[1,3],"source":"backend","unusable":{}}'
    )


async def test_a_chunk_that_fails_leaves_nothing_behind(core: InProcessGateway) -> None:
    unsaveable = customer("pos:2", {"displayName": object()})
    with pytest.raises(Exception, match="failed"):
        await bring(core, lines(1, [customer("pos:1"), unsaveable]))
    assert await core.rows("SELECT * FROM record") == []
    assert await core.rows("SELECT * FROM import_run") == []


async def test_importing_the_same_rows_anew_changes_nothing(core: InProcessGateway) -> None:
    rows = [customer(f"pos:{number}", {"city": "Cairo"}, email=f"{number}@x.eg") for number in range(5)]
    await bring(core, lines(1, rows, last=True))
    before = await core.rows("SELECT * FROM record"), await core.rows("SELECT * FROM attribute")
    again = replace(lines(1, rows, last=True), import_id="00000000000000bb")
    assert (await bring(core, again)).counts == {"unchanged": 5}
    assert before == (await core.rows("SELECT * FROM record"), await core.rows("SELECT * FROM attribute"))


async def test_a_chunk_that_is_saved_step_by_step_counts_and_tells_every_row(tmp_path: Path) -> None:
    env = environment(subscribers={"profile.created": ("crm",), "profile.merged": ("crm",)})
    async with InProcessGateway(tmp_path, env=env) as core:
        rows = [customer(f"pos:{n}", email=f"{n}@x.eg") for n in range(600)]
        rows += [customer("pos:600", email="1@x.eg"), customer("pos:601", email="0@x.eg 599@x.eg")]
        run = await bring(core, lines(1, rows, last=True))
        assert run.counts == {"attached": 1, "created": 600, "merged": 1}
        told = await core.column("SELECT payload FROM delivery WHERE target = 'webhook:crm'")
        kinds = Counter(msgspec.json.decode(body)["type"] for body in told)
        assert kinds == {"profile.created": 600, "profile.merged": 1}
        events = Counter(await core.actions())
        assert events == {
            "identity.created": 600,
            "identity.attached": 1,
            "identity.merged": 1,
            "import.rows": 1,
        }
