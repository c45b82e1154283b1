"""Taking an import back: everything it did goes, and nothing else."""

from collections.abc import Sequence
from typing import Any

import pytest

from gateway.clock import DAY, HOUR, SECOND
from gateway.model import (
    ChangedRecord,
    Imported,
    ImportPosition,
    ImportRows,
    ImportUndone,
    Refused,
    SaveCustomer,
    SetPin,
    UndoImport,
)
from gateway.usecases.claims import MOST_IDENTIFIERS
from tests.support.in_process_gateway import (
    FOLLOW,
    InProcessGateway,
    achieve,
    active,
    caller,
    claim,
    customer,
    erase,
    tags,
)

IMPORT, OTHER = "00000000000000aa", "00000000000000bb"
ANN, BOB, PHONE = "ann@x.eg", "bob@x.eg", "+201001234567"
STATE = {
    "record": "id_space, customer_id, active, guest",
    "observation": "type, value, blocked, retired",
    "attribute": "name, value",
    "tag": "tag",
    "claim": "type, value, source, claimed_at",
    "identifier_owner": "type, value, state, holders",
}


async def state(core: InProcessGateway) -> dict[str, Any]:
    """What is known of customers, and who is together with whom; without ids and times, which do not come back."""
    found: dict[str, Any] = {
        table: sorted(await core.rows(f"SELECT {columns} FROM {table}"), key=repr)
        for table, columns in STATE.items()
    }
    homes: dict[int, list[str]] = {}
    for profile_id, who in await core.rows("SELECT profile_id, id_space || ':' || customer_id FROM record"):
        homes.setdefault(profile_id, []).append(who)
    found["profiles"] = sorted(sorted(home) for home in homes.values())
    found["owners"] = sorted(
        await core.rows(
            "SELECT i.type, i.value, r.customer_id FROM identifier_owner AS i JOIN record AS r ON r.profile_id = i.owner_id"
        )
    )
    return found


async def bring(
    core: InProcessGateway, *rows: SaveCustomer, import_id: str = IMPORT, start: int = 1, last: bool = True
) -> Any:
    end = ImportPosition(start + len(rows))
    command = ImportRows(caller("pos"), import_id, ImportPosition(start), end, rows, last=last)
    outcome = await core.pipeline.submit_background(command)
    assert isinstance(outcome, Imported)
    core.clock.advance(SECOND)
    return outcome.run


async def undo(
    core: InProcessGateway, import_id: str = IMPORT, limit: int = 200, after: int = 0
) -> list[ChangedRecord]:
    records: list[ChangedRecord] = []
    while True:
        command = UndoImport(caller(""), import_id, after, limit, "wrong file")
        outcome = await core.pipeline.submit_background(command)
        assert isinstance(outcome, ImportUndone), outcome
        records += outcome.records
        if outcome.run.undo_after is None:
            await core.regroup()
            return records
        after = outcome.run.undo_after


def effects(records: Sequence[ChangedRecord]) -> list[tuple[str, str]]:
    return [(one.effect, one.touched if one.effect == "stays" else "") for one in records]


@pytest.mark.parametrize("limit", [1, 2, 200])
@pytest.mark.parametrize(
    "rows",
    [
        [customer("pos:1", {"city": "Giza"}, email="new@x.eg", mobile=PHONE)],
        [
            customer("pos:1", email="new@x.eg"),
            customer("pos:2", email="new@x.eg"),
            customer("pos:3", email="new@x.eg"),
        ],
        [customer("pos:1", email=ANN)],
        [customer("pos:1", email=ANN, mobile=PHONE)],
        [customer("web:ann", {"city": "Giza", "zip": "1"}, mobile=PHONE)],
        [customer("web:ann", email="second@x.eg"), customer("pos:1", email="second@x.eg")],
        [customer("pos:1", mobile=PHONE), customer("web:ann", mobile=PHONE), customer("pos:2", mobile=PHONE)],
        [
            customer("pos:1", email=ANN),
            customer("pos:1", mobile="+201112223334"),
            customer("pos:1", email=BOB),
        ],
        [customer("web:ann", email=BOB)],
        [customer("pos:1", email=ANN), customer("pos:2", email=BOB), customer("pos:3", email="c@x.eg")],
    ],
)
async def test_without_later_traffic_an_undo_restores_everything(
    core: InProcessGateway, rows: list[SaveCustomer], limit: int
) -> None:
    await core.send(customer("web:ann", {"city": "Cairo"}, email=ANN))
    await core.send(customer("web:bob", email=BOB))
    core.clock.advance(HOUR)
    before = await state(core)
    await bring(core, *rows)
    assert await state(core) != before
    records = await undo(core, limit=limit)
    assert {one.effect for one in records} <= {"removed", "restored"}
    assert await state(core) == before
    assert await core.rows("SELECT * FROM import_change") == []


@pytest.mark.parametrize("limit", [1, 200])
async def test_a_merge_that_a_row_caused_is_taken_back(core: InProcessGateway, limit: int) -> None:
    await core.send(customer("web:ann", email=ANN))
    await core.send(customer("web:bob", mobile=PHONE))
    before = await state(core)
    run = await bring(core, customer("pos:1", email=ANN, mobile=PHONE))
    assert run.counts == {"merged": 1}
    await undo(core, limit=limit)
    assert await state(core) == before
    assert (await core.column("SELECT COUNT(*) FROM merge WHERE undone_at IS NULL")) == [0]


@pytest.mark.parametrize("limit", [1, 200])
@pytest.mark.parametrize(
    "rows",
    [
        [customer("pos:1", email=f"{BOB} c@x.eg"), customer("pos:2", email=f"{ANN} {BOB}")],
        [customer("pos:1", email=f"{BOB} c@x.eg"), customer("pos:2", email=f"{ANN} c@x.eg")],
        [customer("pos:1", email=f"{ANN} {BOB}"), customer("pos:2", email=f"{ANN} c@x.eg")],
        [customer("web:cat", email=BOB), customer("web:bob", email=ANN)],
    ],
)
async def test_a_profile_that_a_later_row_had_absorbed_is_taken_apart_too(
    core: InProcessGateway, rows: list[SaveCustomer], limit: int
) -> None:
    for who, email in (("web:ann", ANN), ("web:bob", BOB), ("web:cat", "c@x.eg")):
        await core.send(customer(who, email=email))
        core.clock.advance(SECOND)
    before = await state(core)
    run = await bring(core, *rows)
    assert run.counts["merged"] == 2
    await undo(core, limit=limit)
    assert await state(core) == before
    assert (await core.column("SELECT COUNT(*) FROM merge WHERE undone_at IS NULL")) == [0]


async def test_records_that_another_reason_joins_stay_together(core: InProcessGateway) -> None:
    await core.send(customer("web:ann", email=ANN))
    await core.send(customer("web:bob", mobile=PHONE))
    await bring(core, customer("pos:1", email=ANN, mobile=PHONE))
    await core.send(customer("web:bob", email=ANN))
    await undo(core)
    assert await core.profile_of("web:ann") == await core.profile_of("web:bob")
    assert await core.profile_of("pos:1") is None


async def _pin(core: InProcessGateway) -> None:
    one, other = sorted(await core.column("SELECT record_id FROM record"))[:2]
    await core.send(SetPin(caller(""), one, other, "must", "same"))


LATER = {
    "earned": lambda: [achieve("pos:1", FOLLOW.id)],
    "tagged": lambda: [tags("pos:1", attach="vip")],
    "deactivated": lambda: [active("pos:1", False)],
    "seen_again": lambda: [customer("pos:1", mobile="+201112223334")],
}


@pytest.mark.parametrize("touched", [*LATER, "seen_again_a_day_later", "imported_again"])
async def test_a_record_that_later_traffic_used_stays_and_is_named(
    core: InProcessGateway, touched: str
) -> None:
    await bring(core, customer("pos:1", email=ANN), customer("pos:2", email=BOB))
    core.clock.advance(HOUR)
    if touched == "seen_again_a_day_later":
        core.clock.advance(2 * DAY)
        await core.send(customer("pos:1", email=ANN))
    elif touched == "imported_again":
        await bring(core, customer("pos:1", {"city": "Giza"}), import_id=OTHER)
    else:
        for command in LATER[touched]():
            await core.send(command)
    assert effects(await undo(core)) == [("stays", touched.partition("_a_day")[0]), ("removed", "")]
    assert await core.profile_of("pos:1") is not None
    assert await core.profile_of("pos:2") is None


async def test_values_stated_again_later_stay(core: InProcessGateway) -> None:
    await core.send(customer("web:ann", {"city": "Cairo", "zip": "1"}, email=ANN))
    await bring(core, customer("web:ann", {"city": "Giza", "zip": "2"}, mobile=PHONE, email="b@x.eg"))
    core.clock.advance(2 * DAY)
    await core.send(customer("web:ann", {"city": "Luxor"}, mobile=PHONE))
    assert effects(await undo(core)) == [("restored", "")]
    assert await core.rows("SELECT name, value FROM attribute ORDER BY name") == [
        ("city", '"Luxor"'),
        ("zip", '"1"'),
    ]
    assert await core.column("SELECT value FROM observation ORDER BY value") == [PHONE, ANN]


async def test_an_erased_record_is_gone_and_leaves_nothing_of_the_import(core: InProcessGateway) -> None:
    await bring(core, customer("pos:1", {"city": "Giza"}, email=ANN), customer("pos:2", email=BOB))
    await core.send(erase("pos:1"))
    assert len(await core.rows("SELECT * FROM import_change")) == 1
    assert effects(await undo(core)) == [("removed", "")]


async def test_a_profile_keeps_its_names_when_the_record_that_it_began_with_goes(
    core: InProcessGateway,
) -> None:
    await bring(core, customer("pos:1", email=ANN))
    await core.send(customer("web:ann", email=ANN))
    home = await core.profile_of("web:ann")
    await undo(core)
    assert await core.profile_of("web:ann") == home
    (named,) = await core.rows("SELECT canonical_id, named_after FROM profile")
    assert named == ("1", (await core.column("SELECT record_id FROM record"))[0])


async def test_an_undo_that_has_begun_continues_and_accepts_no_rows_meanwhile(core: InProcessGateway) -> None:
    rows = [customer(f"pos:{number}", email=f"{number}@x.eg") for number in range(5)]
    await bring(core, *rows)
    first = await core.pipeline.submit_background(UndoImport(caller(""), IMPORT, 0, 2))
    assert not isinstance(first, Refused)
    assert first.run.undo_after is not None
    again = await core.pipeline.submit_background(UndoImport(caller(""), IMPORT, 0, 2))
    assert isinstance(again, Refused)
    more = ImportRows(caller("pos"), IMPORT, ImportPosition(6), ImportPosition(7), (customer("pos:9"),))
    refused = await core.pipeline.submit_background(more)
    assert isinstance(refused, Refused)
    assert refused.code == "import_undoing"
    await core.restart()
    await undo(core, limit=2, after=first.run.undo_after)
    assert await core.rows("SELECT * FROM record") == []
    assert await core.rows("SELECT * FROM profile") == []
    assert (await core.actions()).count("import.undone") == 3


async def test_an_undone_import_may_be_brought_again_and_is_not_undone_twice(core: InProcessGateway) -> None:
    await bring(core, customer("pos:1", email=ANN))
    await undo(core)
    twice = await core.pipeline.submit_background(UndoImport(caller(""), IMPORT, 0, 200))
    assert isinstance(twice, Refused)
    assert twice.code == "import_undone"
    assert (await bring(core, customer("pos:1", email=ANN))).counts == {"created": 1}
    assert effects(await undo(core)) == [("removed", "")]
    nothing = await core.pipeline.submit_background(UndoImport(caller(""), OTHER, 0, 200))
    assert isinstance(nothing, Refused)
    assert nothing.code == "not_found"


async def test_an_import_that_is_not_finished_can_be_undone(core: InProcessGateway) -> None:
    await bring(core, customer("pos:1", email=ANN), last=False)
    await bring(core, customer("pos:1", mobile=PHONE), start=2, last=False)
    assert effects(await undo(core)) == [("removed", "")]
    assert await core.rows("SELECT * FROM observation") == []


# ---- claims ----


async def test_a_claim_that_the_import_replaced_stands_again(core: InProcessGateway) -> None:
    await core.send(claim("web:ann", email=ANN, mobile=PHONE))
    core.clock.advance(HOUR)
    before = await state(core)
    await bring(core, customer("web:ann", email=ANN), customer("web:ann", mobile=PHONE))
    assert (await state(core))["claim"] == []
    await undo(core)
    assert await state(core) == before


async def test_values_stated_or_claimed_since_are_not_claimed_again(core: InProcessGateway) -> None:
    await core.send(claim("web:ann", email=ANN, mobile=PHONE))
    await bring(core, customer("web:ann", email=ANN, mobile=PHONE))
    core.clock.advance(2 * DAY)
    await core.send(customer("web:ann", email=ANN))
    others = [f"other{n}@x.eg" for n in range(MOST_IDENTIFIERS)]
    await core.send(claim("web:ann", email=" ".join(others)))
    await undo(core)
    assert await core.column("SELECT value FROM observation") == [ANN]
    claimed = await core.column("SELECT value FROM claim")
    assert sorted(claimed) == sorted(others)


async def test_an_erasure_deletes_claims_that_an_import_replaced(core: InProcessGateway) -> None:
    await core.send(claim("web:ann", email=ANN))
    await bring(core, customer("web:ann", email=ANN))
    assert any(ANN in before for before in await core.column("SELECT before FROM import_change"))
    await core.send(erase("web:ann"))
    assert await core.column("SELECT before FROM import_change") == []
