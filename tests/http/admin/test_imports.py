"""Imports over the admin API: the lines, what becomes of them, and what is refused."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest

from gateway.app.shared_state import refresh
from gateway.http.rows import process
from gateway.model import SaveCustomer, Saved, UnknownCustomer
from gateway.usecases import customer
from gateway.usecases import imports as usecase
from gateway.usecases.env import Env
from gateway.workingset import WorkingSet
from rules.language.parse import preset
from tests.support.admin_api import ask
from tests.support.import_chunks import COLUMNS, IMPORT, bring, chunk
from tests.support.people import EMAIL, save
from tests.support.reader_processes import readers_of, wait_for_end

if TYPE_CHECKING:
    from tests.support.running_gateway import RunningGateway, Start


CARDS = """
[identifier.loyalty_id]
kind = "opaque"
strength = 90
"""


async def test_an_import_goes_from_its_first_line_to_its_end(gateway: RunningGateway) -> None:
    await save(gateway.services, "web", "web-1", email=EMAIL)
    start = await ask(gateway, "GET", f"imports/{IMPORT}?channel=pos")
    assert (start["next_line"], start["identifiers"], start["finished_at"]) == (1, ["mobile", "email"], None)
    await bring(gateway, chunk(["1", EMAIL.upper()], ["2", "", "010 0123 4567"]))
    end = await bring(gateway, chunk(["3", "nobody", "12"], first=3, last=True))
    assert end["counts"] == {"attached": 1, "created": 2}
    assert end["unusable"] == {"email:syntax": 1, "mobile:not_possible": 1}
    assert end["finished_at"]
    assert {**await ask(gateway, "GET", f"imports/{IMPORT}?channel=pos"), "chunk": 0} == {**end, "chunk": 0}


async def test_values_may_be_text_or_typed_json(gateway: RunningGateway) -> None:
    rows = (
        ["1", None, None, "yes", "Ann", "12.5", 44],
        [2, None, 201001234567, True, "", 12.5, None],
    )
    assert (await bring(gateway, chunk(*rows)))["counts"] == {"created": 2}
    found = await gateway.rows(
        "SELECT r.customer_id, r.guest, a.name, a.value FROM record r JOIN attribute a ON a.record_id = r.record_id"
        " ORDER BY 1, 3"
    )
    assert found == [
        ("1", 1, "custom.shoe", "44"),
        ("1", 1, "firstName", '"Ann"'),
        ("1", 1, "totalSpent", "12.5"),
        ("2", 1, "totalSpent", "12.5"),
    ]


async def test_a_guest_is_one_in_any_language_and_number_format(gateway: RunningGateway) -> None:
    yes = [
        "true",
        "YES",
        "Ja",
        "WAHR",
        "Oui",
        "VRAI",
        "Sí",
        "si",
        "VERDADERO",
        "sim",
        "x",
        "1.0",
        1,
        True,
        "Evet",
        "да",
        "نعم",
        "是",
    ]
    no = [
        "false",
        "N",
        "Nein",
        "FALSCH",
        "non",
        "FAUX",
        "Não",
        "FALSO",
        "0.0",
        0,
        False,
        "HAYIR",
        "нет",
        "لا",
        "否",
    ]
    answer = await bring(gateway, chunk(*([f"c{n}", None, None, said] for n, said in enumerate([*yes, *no]))))
    assert answer["counts"] == {"created": len(yes) + len(no)}
    rows = await gateway.rows("SELECT customer_id FROM record WHERE guest = 1")
    assert {str(one) for (one,) in rows} == {f"c{number}" for number in range(len(yes))}


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ([""], "customer_id_missing"),
        ([" "], "customer_id_missing"),
        (["x" * 101], "customer_id_too_long"),
        (["a\tb"], "customer_id_unusable"),
        ([1.5], "customer_id_unusable"),
        (["#N/A"], "customer_id_placeholder"),
        (["4.71E+12"], "customer_id_digits_lost"),
        (["1", None, None, "perhaps"], "guest_unusable"),
        (["1", None, None, None, [7]], "attribute_unusable"),
        (["1", None, None, None, None, "much"], "attribute_unusable"),
        (["1", None, None, None, None, None, "x" * 5000], "attribute_too_long"),
        (["1"] * (len(COLUMNS) + 1), "wrong_columns"),
    ],
)
async def test_a_refused_row_is_kept_with_its_reason(
    gateway: RunningGateway, row: list[Any], reason: str
) -> None:
    answer = await bring(gateway, chunk(["before"], row, ["after"]))
    assert answer["counts"] == {"created": 2, "rejected": 1}
    listed = await ask(gateway, "GET", f"imports/{IMPORT}/refusals")
    assert listed == {"items": [{"line": 2, "reason": reason}], "next": None}


async def test_lines_that_the_sender_could_not_read_are_listed_with_the_others(
    gateway: RunningGateway,
) -> None:
    await bring(gateway, chunk([""], ["1"], next_line=4, unread=[[3, "bad_csv"]]))
    first = await ask(gateway, "GET", f"imports/{IMPORT}/refusals?limit=1")
    assert first["items"] == [{"line": 1, "reason": "customer_id_missing"}]
    rest = await ask(gateway, "GET", f"imports/{IMPORT}/refusals?cursor={first['next']}")
    assert rest["items"] == [{"line": 3, "reason": "bad_csv"}]


def of_block(ahead: int, *rows: tuple[int, str], **more: Any) -> dict[str, Any]:
    """Lines of a block that begins at line 1, each with its customer id, behind the first `ahead` of them."""
    listed = [[line, [who]] for line, who in rows]
    return chunk(columns=["customer_id"], rows=listed, next_line=1, ahead=ahead, block="ab12", **more)


async def test_a_block_comes_in_its_senders_order_until_its_lines_are_all_taken(
    gateway: RunningGateway,
) -> None:
    begun = await bring(gateway, of_block(0, (3, "c"), (1, "a"), unread=[[2, "bad_csv"]]))
    assert (begun["next_line"], begun["ahead"], begun["block"]) == (1, 3, "ab12")
    assert (await bring(gateway, of_block(0, (3, "c")), 409))["code"] == "import_moved"
    end = await bring(gateway, of_block(3, (4, "d")) | {"next_line": 5})
    assert (end["next_line"], end["ahead"], end["block"], end["counts"]) == (
        5,
        0,
        "",
        {"created": 3, "rejected": 1},
    )
    found = await gateway.rows("SELECT customer_id FROM record ORDER BY record_id")
    assert found == [("c",), ("a",), ("d",)]


@pytest.mark.parametrize(
    "changes", [{"rows": [[0, ["1"]]]}, {"first_line": 2, "next_line": 2}, {"block": "Mine"}, {"ahead": -1}]
)
async def test_an_impossible_part_of_a_block_is_refused(
    gateway: RunningGateway, changes: dict[str, Any]
) -> None:
    await bring(gateway, of_block(0, (1, "a")) | changes, 400)


@pytest.mark.parametrize("block", ["ab12", ""])
async def test_a_chunk_that_fails_is_taken_in_halves_in_its_order_down_to_the_row_that_fails(
    gateway: RunningGateway, monkeypatch: pytest.MonkeyPatch, block: str
) -> None:
    def save_or_fail(command: SaveCustomer, ws: WorkingSet, env: Env) -> Saved | UnknownCustomer:
        if command.customer_id == "bad":
            raise ValueError
        return customer.save(command, ws, env)

    monkeypatch.setattr(usecase, "save", save_or_fail)
    came = ((5, "e"), (2, "bad"), (4, "d"), (1, "a"), (3, "c"))
    run = await bring(gateway, of_block(0, *came) | {"block": block, "next_line": 1 if block else 6})
    assert (run["next_line"], run["ahead"], run["block"]) == ((1, 5, block) if block else (6, 0, ""))
    assert run["counts"] == {"created": 4, "rejected": 1}
    found = await gateway.rows("SELECT customer_id FROM record ORDER BY record_id")
    assert found == [("e",), ("d",), ("a",), ("c",)]
    listed = await ask(gateway, "GET", f"imports/{IMPORT}/refusals")
    assert listed["items"] == [{"line": 2, "reason": "failed"}]
    halves = await gateway.rows("SELECT detail FROM audit WHERE action = 'import.rows' ORDER BY event_id")
    steps = [json.loads(str(detail))["ahead"] for (detail,) in halves]
    assert steps == [[0, 1], [1, 2], [2, 5 if block else 0]]


INVALID_CHUNKS: list[tuple[dict[str, Any], int, str]] = [
    ({"channel": "fax"}, 404, "unknown_channel"),
    ({"columns": ["email"]}, 400, "bad_body"),
    ({"columns": ["customer_id", "customer_id"]}, 400, "bad_body"),
    ({"columns": ["customer_id", "shoe"]}, 400, "bad_body"),
    ({"columns": ["customer_id", "custom."]}, 400, "bad_body"),
    ({"columns": ["customer_id", "custom.email"]}, 400, "bad_body"),
    ({"next_line": 1}, 400, "bad_body"),
    ({"first_line": 2}, 400, "bad_body"),
    ({"unread": [[1, "bad_csv"]]}, 400, "bad_body"),
    ({"unread": [[1, "ann@x.eg"]]}, 400, "bad_body"),
    ({"rows": None}, 400, "bad_body"),
    ({"rows": [[1, ["1"]], ["two", ["2"]]]}, 400, "bad_body"),
    ({"rows": [[1, ["1"]]] * 2_001}, 400, "bad_body"),
    ({"first_line": 5, "next_line": 6, "rows": []}, 409, "import_moved"),
]


async def test_an_invalid_chunk_is_refused_completely(
    gateway: RunningGateway, subtests: pytest.Subtests
) -> None:
    for changes, status, code in INVALID_CHUNKS:
        with subtests.test(str(changes)[:80]):
            refused = await bring(gateway, chunk(["1"], **changes), status)
            assert refused["code"] == code
            assert await gateway.rows("SELECT * FROM record") == []


async def test_an_unknown_import_is_not_found(gateway: RunningGateway) -> None:
    for path in ("imports/x?channel=pos", "imports/x/refusals"):
        assert (await ask(gateway, "GET", path, 404))["code"] == "not_found"


async def test_one_of_two_senders_of_a_chunk_is_told_to_read_the_state_again(gateway: RunningGateway) -> None:
    async def send() -> int:
        async with gateway.admin("POST", f"imports/{IMPORT}/rows", json=chunk(["1"], ["2"])) as response:
            return response.status

    assert sorted(await asyncio.gather(send(), send())) == [200, 409]
    assert len(await gateway.rows("SELECT * FROM record")) == 2


async def test_neighbours_that_change_what_a_row_needs_do_not_stop_the_chunk(gateway: RunningGateway) -> None:
    """The sixth holder of an address makes it generic; its first one, known and unloaded, comes right behind."""
    for number in range(5):
        await save(gateway.services, "web", f"web-{number}", email=EMAIL)
    await bring(gateway, chunk(["0", EMAIL], first=1))
    rows = [[f"{number}", EMAIL] for number in (1, 2, 3, 0, 1)]
    assert sum((await bring(gateway, chunk(*rows, first=2)))["counts"].values()) == 6


async def test_a_mistake_inside_the_rows_is_named_by_its_place(gateway: RunningGateway) -> None:
    refused = await bring(gateway, chunk(rows=[[1, ["1"]], ["two", ["2"]]]), 400)
    assert refused["detail"] == "the body does not fit: Expected `int`, got `str` - at `$.rows[1][0]`"
    deep = f'{{"rows": {"[" * 50_000}{"]" * 50_000}}}'
    body = aiohttp.StringPayload(deep, content_type="application/json")
    await ask(gateway, "POST", f"imports/{IMPORT}/rows", 400, data=body)


async def test_numbers_of_any_size_are_kept_as_they_came(gateway: RunningGateway) -> None:
    await bring(gateway, chunk([1 << 70, None, None, None, None, 1 << 70, [1 << 70]]))
    assert await gateway.rows("SELECT customer_id FROM record") == [(str(1 << 70),)]
    kept = await gateway.rows("SELECT value FROM attribute ORDER BY name")
    assert kept == [(f"[{1 << 70}]",), (str(1 << 70),)]


# ---- the process that reads ----


async def test_a_killed_reader_is_replaced(gateway: RunningGateway) -> None:
    await bring(gateway, chunk(["1"]))
    (reader,) = readers_of(os.getpid())
    os.kill(reader, signal.SIGKILL)
    await bring(gateway, chunk(["2"], first=2))
    assert len(await gateway.rows("SELECT * FROM record")) == 2


async def test_a_reader_that_is_killed_over_a_chunk_is_replaced(gateway: RunningGateway) -> None:
    await bring(gateway, chunk(["1"]))
    (reader,) = readers_of(os.getpid())
    os.kill(reader, signal.SIGSTOP)
    waiting = asyncio.create_task(bring(gateway, chunk(["2"], first=2)))
    await ask(gateway, "GET", "rules")
    assert not waiting.done()
    os.kill(reader, signal.SIGKILL)
    assert (await waiting)["counts"] == {"created": 2}
    assert readers_of(os.getpid()) != [reader]


async def test_readers_that_keep_failing_are_reported(
    gateway: RunningGateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(sys, "executable", "/bin/false")
        assert (await bring(gateway, chunk(["1"]), 503))["code"] == "reading_failed"
    await bring(gateway, chunk(["1"]))


async def test_a_signal_for_the_whole_group_leaves_the_reader_at_work(gateway: RunningGateway) -> None:
    await bring(gateway, chunk(["1"]))
    before = readers_of(os.getpid())
    for number in (signal.SIGINT, signal.SIGTERM):
        os.kill(before[0], number)
    await bring(gateway, chunk(["2"], first=2))
    assert readers_of(os.getpid()) == before


async def test_an_idle_reader_ends(gateway: RunningGateway, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "_IDLE_SECONDS", 0.1)
    await bring(gateway, chunk(["1"]))
    for reader in readers_of(os.getpid()):
        await asyncio.to_thread(wait_for_end, reader)
    monkeypatch.undo()
    await bring(gateway, chunk(["2"], first=2))
    assert len(readers_of(os.getpid())) == 1


async def test_a_gateway_that_stops_leaves_no_reader_behind(start: Start) -> None:
    async with start() as gateway:
        await bring(gateway, chunk(["1"]))
        (reader,) = readers_of(os.getpid())
    wait_for_end(reader)


async def test_chunks_are_taken_in_the_order_in_which_they_came(gateway: RunningGateway) -> None:
    await bring(gateway, chunk(["1"]))
    (reader,) = readers_of(os.getpid())
    os.kill(reader, signal.SIGSTOP)
    sent = []
    for first in (2, 3, 4):
        sent.append(asyncio.create_task(bring(gateway, chunk([str(first)], first=first))))
        await ask(gateway, "GET", "rules")
    os.kill(reader, signal.SIGCONT)
    assert [(await answer)["next_line"] for answer in sent] == [3, 4, 5]


async def test_the_state_of_an_import_includes_the_chunks_that_came_before_the_question(
    gateway: RunningGateway,
) -> None:
    await bring(gateway, chunk(["1"]))
    (reader,) = readers_of(os.getpid())
    os.kill(reader, signal.SIGSTOP)
    sent = asyncio.create_task(bring(gateway, chunk(["2"], first=2)))
    await ask(gateway, "GET", "rules")
    asked = asyncio.create_task(ask(gateway, "GET", f"imports/{IMPORT}?channel=pos"))
    await ask(gateway, "GET", "rules")
    os.kill(reader, signal.SIGCONT)
    assert (await asked)["next_line"] == (await sent)["next_line"] == 3


async def test_after_a_refused_chunk_the_next_one_is_refused_too(gateway: RunningGateway) -> None:
    await bring(gateway, chunk(["1"]))
    (reader,) = readers_of(os.getpid())
    os.kill(reader, signal.SIGSTOP)
    wrong = asyncio.create_task(bring(gateway, chunk(["2"], first=2, columns=["shoe"]), 400))
    await ask(gateway, "GET", "rules")
    behind = asyncio.create_task(bring(gateway, chunk(["3"], first=3), 409))
    os.kill(reader, signal.SIGCONT)
    assert [(await wrong)["code"], (await behind)["code"]] == ["bad_body", "import_moved"]
    assert len(await gateway.rows("SELECT * FROM record")) == 1


async def test_new_rules_apply_from_the_next_chunk(gateway: RunningGateway) -> None:
    card = {"columns": ["customer_id", "loyalty_id"], "rows": [[2, ["2", "card-4711"]]]}
    await bring(gateway, chunk(["1"]))
    await bring(gateway, chunk(["2"], first=2, **card), 400)
    cards = preset("email-or-mobile").replace('version = "', 'version = "cards-') + CARDS
    await ask(gateway, "POST", "rules/plan", json={"text": cards})
    await ask(gateway, "POST", "rules?activate=true", 201, json={"text": cards})
    await refresh(gateway.services)
    await bring(gateway, chunk(["2"], first=2, **card))
    assert await gateway.rows("SELECT type, value FROM observation") == [("loyalty_id", "card-4711")]


async def test_an_import_is_undone_as_planned_and_can_be_imported_again(
    gateway: RunningGateway,
) -> None:
    await save(gateway.services, "web", "w-1", email=EMAIL)
    await save(gateway.services, "web", "w-2", mobile="+201001234567")
    rows = chunk(
        ["1", EMAIL, "+201001234567"], ["2", "bob@x.eg"], ["w-1", None, None, None, "Ann"], last=True
    )
    assert (await bring(gateway, rows))["finished_at"] is not None
    await save(gateway.services, "pos", "2", mobile="+201112223334")
    plan = await ask(gateway, "GET", f"imports/{IMPORT}/undo", params={"limit": "1"})
    rest = await ask(gateway, "GET", f"imports/{IMPORT}/undo", params={"cursor": plan["next"]})
    planned = plan["items"] + rest["items"]
    assert [(one["effect"], one["touched"], len(one["merges"])) for one in planned] == [
        ("removed", "", 1),
        ("stays", "seen_again", 0),
        ("removed", "", 0),
    ]
    done: list[dict[str, Any]] = []
    finished = False
    while not finished:
        answer = await ask(
            gateway, "POST", f"imports/{IMPORT}/undo", json={"reason": "wrong file", "limit": 2}
        )
        done, finished = done + answer["records"], answer["finished"]
    assert [one["record"] for one in done] == [one["record"] for one in planned]
    await gateway.regroup()
    known = await gateway.rows("SELECT r.customer_id, r.profile_id FROM record AS r ORDER BY r.customer_id")
    assert [customer_id for customer_id, _ in known] == ["2", "w-1", "w-2"]
    assert len({profile_id for _, profile_id in known}) == 3
    again = await ask(gateway, "POST", f"imports/{IMPORT}/undo", 409, json={"reason": "twice"})
    assert again["code"] == "import_undone"
    assert (await bring(gateway, rows))["counts"] == {"created": 1, "merged": 1, "unchanged": 1}


async def test_an_unknown_import_cannot_be_undone(gateway: RunningGateway) -> None:
    for method, more in (("GET", {}), ("POST", {"json": {"reason": "wrong file"}})):
        answer = await ask(gateway, method, f"imports/{IMPORT}/undo", 404, **more)
        assert answer["code"] == "not_found"
