"""Merge, split, undo, pin and review at the command line, beside a gateway that runs."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from gateway.model import Caller, SaveCustomer
from rules.identifier import Evidence, Identifier
from tests.support.admin_api import ask
from tests.support.people import MOBILE, save
from tests.support.shell import SETTINGS, Shell

if TYPE_CHECKING:
    from tests.support.running_gateway import RunningGateway

WHY = ("--reason", "they said so")


class Desk:
    """A support desk: runs commands in a thread, as the gateway they talk to lives in this one."""

    def __init__(self, gateway: RunningGateway, shell: Shell) -> None:
        self.gateway = gateway
        self.shell = shell

    async def say(self, *words: str, code: int = 0) -> str:
        return await asyncio.to_thread(self.shell, *words, code=code)

    async def json(self, *words: str, code: int = 0) -> Any:
        return await asyncio.to_thread(self.shell.json, *words, code=code)

    async def bring(self, customer_id: str, **evidence: str) -> tuple[str, str]:
        """A web customer's profile and record."""
        caller = Caller("web", "web", "channel:web", "req_web")
        stated = tuple(Evidence(Identifier(kind, value)) for kind, value in evidence.items())
        await self.gateway.services.pipeline.submit(SaveCustomer(caller, customer_id, stated))
        (found,) = (await self.json("profile", "find", customer_id))["items"]
        (record,) = [one["id"] for one in found["records"] if one["customer_id"] == customer_id]
        return found["id"], record


@pytest.fixture
def desk(
    gateway: RunningGateway,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> Desk:
    config = tmp_path / "desk.toml"
    config.write_text(SETTINGS.format(directory=tmp_path, admin=gateway.admin_url.removeprefix("http://")))
    monkeypatch.setenv("GATEWAY_ADMIN_TOKEN", gateway.services.admin_token)
    return Desk(gateway, Shell(config, capsys))


async def test_merges_are_listed_shown_and_counted_by_day(desk: Desk) -> None:
    (ann, _), (bob, _) = await desk.bring("ann"), await desk.bring("bob")
    merge = (await desk.json("merge", ann, bob, *WHY))["merge"]
    assert "web:ann, web:bob" in await desk.say("merges", "list", "--rule", "operator")
    told = await desk.say("merges", "show", merge)
    assert f"{merge}: " in told
    assert "an undo would do this:" in told
    await desk.say("undo", merge, *WHY)
    assert "undone at" in await desk.say("merges", "show", merge)
    assert (await desk.say("merges", "counts")).splitlines()[1].split()[1:] == ["operator", "1", "1"]


async def test_a_profile_is_shown_as_a_tree_and_found_by_a_customer_id(desk: Desk) -> None:
    ann, _ = await desk.bring("ann", email="a@x.eg")
    again, _ = await desk.bring("ann2", email="a@x.eg")
    assert again == ann
    told = await desk.say("profile", "graph", "web:ann2")
    assert told.splitlines()[0] == f"web:ann, web:ann2 ({ann}), 2 records"
    assert told.count("└─ email a@x.eg (joined by rule email, on 2 records)") == 2
    assert (await desk.json("profile", "show", "web:ann"))["id"] == ann
    assert await desk.say("profile", "show", "web:nobody", code=1) == ""
    assert await desk.say("profile", "show", ann, "--at", "1h", code=1) == ""
    assert await desk.say("profile", "graph", ann, "--at", "1h", code=1) == ""
    assert await desk.say("profile", "graph", ann, "--at", "0s") == await desk.say("profile", "graph", ann)


async def test_a_dry_run_says_what_would_happen_and_changes_nothing(desk: Desk) -> None:
    (ann, _), (bob, of_bob) = await desk.bring("ann", email="a@x.eg"), await desk.bring("bob")
    told = await desk.say("merge", ann, bob, *WHY, "--dry-run")
    assert "1 pin would be set" in told
    assert told.endswith("nothing was changed\n")
    (profile,) = (await desk.json("merge", ann, bob, *WHY, "--dry-run"))["effects"]["profiles"]
    merged = await desk.json("merge", ann, bob, *WHY)
    assert (profile["id"], profile["version"]) == (merged["profile"], merged["version"])
    told = await desk.say("split", ann, "--record", of_bob, *WHY, "--dry-run")
    assert f"{of_bob}" in told
    assert bob in await desk.say("undo", merged["merge"], *WHY, "--dry-run")
    assert "no profile" in await desk.say("erase", ann, "--dry-run")
    assert (await desk.json("profile", "show", ann))["version"] == merged["version"]


async def test_a_merge_is_made_shown_and_taken_back(desk: Desk) -> None:
    (ann, _), (bob, _) = await desk.bring("ann"), await desk.bring("bob")
    told = await desk.say("merge", ann, bob, *WHY)
    (merge,) = (await desk.json("profile", "show", ann))["merges"]
    assert f"gateway undo {merge['id']}" in told
    assert merge["id"] in await desk.say("profile", "show", ann)
    assert "already one profile" in await desk.say("merge", ann, bob, *WHY)
    story = await desk.say("profile", "history", ann)
    assert f"{merge['absorbed']} became one with {merge['survivor']} by decision of operator:" in story
    undone = await desk.json("undo", merge["id"], *WHY)
    assert undone["parts"] == [merge["absorbed"]]
    assert "was undone before" in await desk.say("undo", merge["id"], "--tree", *WHY)
    assert f"{merge['absorbed']} left {merge['survivor']}" in await desk.say("profile", "history", ann)


async def test_profiles_that_stand_out_are_listed(desk: Desk) -> None:
    assert "counted" in await desk.say("profile", "odd")
    assert "measures" in await desk.json("profile", "odd")


async def test_records_are_split_off(desk: Desk) -> None:
    (ann, of_ann), (bob, of_bob) = await desk.bring("ann"), await desk.bring("bob")
    survivor = (await desk.json("merge", ann, bob, *WHY))["profile"]
    leaving = of_bob if survivor == ann else of_ann
    told = await desk.say("split", survivor, "--record", leaving, *WHY)
    assert f"{survivor} (version" in told
    assert "split off: prf_" in told
    await desk.say("merge", ann, bob, *WHY, code=1)
    assert "pinned_apart" in desk.shell.err
    await desk.say("split", survivor, *WHY, code=2)
    assert "records" in desk.shell.err
    await desk.say("split", survivor, "--mode", "half", "--record", leaving, *WHY, code=2)


async def test_two_are_explained_and_so_is_what_became_of_them(desk: Desk) -> None:
    (ann, of_ann), (bob, of_bob) = (
        await desk.bring("ann", email="ann@shop.example.org"),
        await desk.bring("bob"),
    )
    told = await desk.say("profile", "explain", ann, bob)
    assert "email missing" in told
    assert f"{ann} and {bob} are apart. The rules say that they have nothing in common" in told
    await desk.say("pin", "cannot", of_ann, of_bob, *WHY)
    told = await desk.say("profile", "explain", of_ann, of_bob)
    assert "must stay apart (pin:cannot); what keeps them apart: cannot" in told
    await desk.say("pin", "remove", of_ann, of_bob)
    shaped = await desk.json("merge", ann, bob, *WHY)
    absorbed = bob if shaped["profile"] == ann else ann
    told = await desk.say("profile", "explain", absorbed)
    assert f"{of_ann} arrived on {ann}" in told
    assert f"{absorbed} became one with {shaped['profile']}, bringing 1 record" in told
    await desk.say("profile", "explain", ann, bob, code=1)
    assert "same_profile" in desk.shell.err
    await desk.say("undo", shaped["merge"], *WHY)
    assert "that merge was undone" in await desk.say("profile", "explain", absorbed)
    assert (await desk.json("profile", "explain", absorbed))["steps"][-1]["what"] == "undone"


async def test_a_version_that_moved_on_is_refused_with_the_remedy(desk: Desk) -> None:
    (ann, _), (bob, _) = await desk.bring("ann"), await desk.bring("bob")
    await desk.say("merge", ann, bob, *WHY, "--if-version", "99", code=1)
    assert "version_changed" in desk.shell.err
    assert "look at it again" in desk.shell.err
    assert len(desk.shell.err.splitlines()) == 1
    current = (await desk.json("profile", "show", ann))["version"]
    assert (await desk.json("merge", ann, bob, *WHY, "--if-version", str(current)))["changed"]


async def test_pins_are_set_listed_and_removed(desk: Desk) -> None:
    (ann, of_ann), (bob, of_bob) = await desk.bring("ann"), await desk.bring("bob")
    told = await desk.say("pin", "cannot", of_ann, of_bob, *WHY, "--until", "90d")
    assert ann in told
    assert bob in told
    assert "they said so" in await desk.say("pin", "list", "--profile", ann)
    await desk.say("pin", "must", of_ann, of_bob, *WHY, code=1)
    assert "remove that pin" in desk.shell.err
    told = await desk.say("pin", "remove", of_bob, of_ann, "--dry-run")
    assert "1 pin would be lifted" in told
    assert "no longer pinned" in await desk.say("pin", "remove", of_bob, of_ann)
    told = await desk.say("pin", "must", of_ann, of_bob, *WHY, "--dry-run")
    assert "1 pin would be set" in told
    assert "were not pinned" in await desk.say("pin", "remove", of_ann, of_bob)
    assert len((await desk.json("pin", "must", of_ann, of_bob, *WHY))["profiles"]) == 1
    assert [pin["kind"] for pin in (await desk.json("pin", "list"))["items"]] == ["must"]
    story = await desk.say("profile", "history", ann)
    assert f"the pin on {of_ann} and {of_bob} was removed" in story


@pytest.mark.parametrize(("verdict", "profiles"), [("accept", 1), ("reject", 2)])
async def test_questions_are_listed_and_answered(desk: Desk, verdict: str, profiles: int) -> None:
    await desk.bring("ann", email="ann@shop.example.org", mobile="+201001234567")
    await desk.bring("bob", email="ann@shop.example.org", mobile="+201007654321")
    (review,) = (await desk.json("review", "list"))["items"]
    assert review["id"] in await desk.say("review", "list")
    (person,) = (await desk.json("review", "people", "--sort", "points"))["items"]
    assert (person["questions"], person["reviews"][0]["id"]) == (1, review["id"])
    assert review["id"] in await desk.say("review", "people", "--rule", review["rule"])
    told = await desk.say("review", "show", review["id"])
    assert "no (review reject) would do this:" in told
    assert "email" in told
    told = await desk.say("review", verdict, review["id"])
    assert told.count("prf_") == profiles
    assert (await desk.json("review", "list"))["items"] == []
    assert len((await desk.json("review", "list", "--state", ""))["items"]) == 1
    assert not (await desk.json("review", verdict, review["id"]))["changed"]
    other = {"accept": "reject", "reject": "accept"}[verdict]
    await desk.say("review", other, review["id"], code=1)
    assert "review_closed" in desk.shell.err
    assert "review undo would do this:" in await desk.say("review", "show", review["id"])
    told = await desk.say("review", "undo", review["id"], "--dry-run")
    assert "1 pin would be lifted" in told
    assert told.endswith("nothing was changed\n")
    told = await desk.say("review", "undo", review["id"], "--reason", "a slip")
    assert f"{review['id']} is open" in told
    assert [one["id"] for one in (await desk.json("review", "list"))["items"]] == [review["id"]]


@pytest.mark.parametrize(
    "words",
    [
        ("merge", "prf_0000000000000001", "prf_0000000000000002"),
        ("merge", "ann", "bob", *WHY),
        ("undo", "mrg_0000000000000001"),
        ("pin", "must", "rec_0000000000000001", *WHY),
        ("pin", "remove", "1", "2"),
        ("review", "list", "--state", "shut"),
    ],
)
async def test_misuse_exits_with_2(desk: Desk, words: tuple[str, ...]) -> None:
    await desk.say(*words, code=2)
    assert desk.shell.err


async def test_the_shops_numbers_are_listed_shown_and_taken_off_again(desk: Desk) -> None:
    assert (
        await desk.say("lists", "add", "stores", "010 0000 0100", "--region", "EG")
        == "1 of 1 added to stores\n"
    )
    shown = await desk.json("lists", "show", "stores")
    assert [one["value"] for one in shown["items"]] == ["+201000000100"]
    assert "+201000000100" in await desk.say("lists", "show", "stores")
    assert "stores" in await desk.say("lists", "show")
    taken = await desk.json("lists", "remove", "stores", "+201000000100")
    assert (taken["changed"], taken["in_use"]) == (1, True)
    await desk.say("lists", "add", "stores", "shop", code=2)


async def test_a_split_is_lifted_after_a_dry_run(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.usecases.split.MOST_PAIRS", 0)
    (ann, _), (bob, _) = await desk.bring("ann"), await desk.bring("bob")
    await desk.json("merge", ann, bob, *WHY)
    await ask(desk.gateway, "POST", f"profiles/{ann}/split", body={"mode": "all", "reason": "two"})
    (split,) = (await desk.json("pin", "splits"))["items"]
    assert "1 pin would be lifted" in await desk.say("pin", "lift", split["id"], "--dry-run")
    assert (await desk.json("pin", "splits"))["items"] == [split]
    assert "are no longer kept apart" in await desk.say("pin", "lift", split["id"])
    assert (await desk.json("pin", "lift", split["id"], "--dry-run"))["changed"] is False


async def test_a_value_that_joins_too_many_is_listed_and_put_on_a_list_by_its_id(desk: Desk) -> None:
    for number in range(6):
        await save(desk.gateway.services, "web", f"guest-{number}", mobile=MOBILE)
    await desk.gateway.regroup()
    told = await desk.say("lists", "generic", "--type", "mobile")
    assert "***67" in told
    assert "4 profiles" in told
    assert "1 new generic value" in await desk.say("status")
    (found,) = (await desk.json("lists", "generic"))["items"]
    assert "1 of 1 added to stores" in await desk.say("lists", "add", "stores", found["id"])
    assert "new generic value" not in await desk.say("status")


async def test_many_merges_are_undone_by_one_command(desk: Desk) -> None:
    (ann, _), (bob, _) = await desk.bring("ann"), await desk.bring("bob")
    merge = (await desk.json("merge", ann, bob, *WHY))["merge"]
    filters = ("merges", "undo", "--rule", "operator", *WHY)
    assert "1 merge would be undone" in await desk.say(*filters, "--dry-run")
    assert (await desk.json(*filters, "--dry-run"))["first"][0]["merge"]["id"] == merge
    assert (await desk.json("jobs", "list"))["items"] == []
    job = await desk.json(*filters, "--yes")
    while (await desk.json("jobs", "show", job["id"]))["state"] == "running":
        pass
    assert "1 of 1 done, 0 refused" in await desk.say("jobs", "show", job["id"])
    assert job["id"][:8] in await desk.say("jobs", "list")
    await desk.say("jobs", "cancel", job["id"], code=1)
    assert (await desk.json("merges", "show", merge))["undone_at"]


async def test_many_questions_are_answered_by_one_command(desk: Desk) -> None:
    for number in (1, 2):
        await desk.bring(f"ann-{number}", email=f"{number}@x.eg", mobile=f"0100000001{number}")
        await desk.bring(f"bob-{number}", email=f"{number}@x.eg", mobile=f"0100000002{number}")
    words = ("review", "answer-all", "reject", "--since", "1h", *WHY)
    told = await desk.say(*words, "--dry-run")
    assert "2 questions would be answered with no" in told
    assert "done" in told
    job = await desk.json(*words, "--yes")
    while (job := await desk.json("jobs", "show", job["id"]))["state"] == "running":
        pass
    assert (job["done"], job["kind"]) == (2, "reject_reviews")
    assert (await desk.json("review", "list"))["items"] == []
    assert "0 questions would be answered with yes" in await desk.say(
        "review", "answer-all", "accept", "--rule", "none", "--yes"
    )
    await desk.say("jobs", "resume", job["id"], code=1)
    await desk.say("achievements", "retry", "--all", "granted", code=2)
    await desk.say("achievements", "retry", "ach_0000000000000001", "--dry-run", code=2)
    assert (await desk.json("achievements", "retry", "--all", "failed", "--dry-run"))["matched"] == 0
