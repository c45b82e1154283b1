"""Changes of a person by hand: merge, split, undo, pin, erase. Each is shown first as a dry run tells it; the form of that page
then repeats the same request, and says what was seen. If something else would follow now, that is shown instead."""

import hashlib
import re
from collections.abc import Awaitable, Callable, Mapping
from typing import Any
from urllib.parse import quote

import msgspec
from aiohttp import web
from multidict import MultiMapping

from gateway.errors import Refusal
from gateway.http.admin.effects import EffectsView
from gateway.http.admin.merges import ShapedView, merge_profiles, split_profile, undo_merge
from gateway.http.admin.operation import Call
from gateway.http.admin.pins import PinPair, drop_pin, set_pin
from gateway.http.admin.profiles import ErasingQuery, erase_profile
from gateway.http.admin.splits import LiftingQuery, lift_split
from gateway.http.console.visit import NO_QUERY, Visit, go

_OF_EVERY_FORM = frozenset({"_csrf", "_build", "sure", "confirm", "seen"})
_VERSION = re.compile(r"\d{1,18}", re.ASCII)
_Shape = Callable[[Call[Any]], Awaitable[ShapedView]]


async def merge(visit: Visit) -> web.Response:
    form = await visit.form()
    profiles = [visit.request.match_info["id"], form.get("other", "").strip()]
    return await _change(visit, "merge", merge_profiles, {"profiles": profiles}, "merged")


async def split(visit: Visit) -> web.Response:
    form = await visit.form()
    asked = {"records": form.getall("records", []), "mode": form.get("mode", "plain")}
    return await _change(visit, "split", split_profile, asked, "split")


async def undo(visit: Visit) -> web.Response:
    form = await visit.form()
    return await _change(visit, "undo", undo_merge, {"tree": "tree" in form}, "undone")


async def pin(visit: Visit) -> web.Response:
    form = await visit.form()
    body = {
        "records": [form.get("a", "").strip(), form.get("b", "").strip()],
        "kind": form.get("kind", ""),
        "reason": form.get("reason", ""),
        "until": form.get("until", "").strip(),
    }
    would = await visit.ask(set_pin, NO_QUERY, {**body, "dry_run": True})
    if not await is_confirmed(visit, would.effects, changes=would.changed):
        return await ask_first(visit, "pin", would.effects)
    placed = await visit.ask(set_pin, NO_QUERY, body)
    return go(f"/console/profiles/{placed.profiles[0]}", "pinned" if placed.changed else "unchanged")


async def unpin(visit: Visit) -> web.Response:
    form = await visit.form()
    a, b = form.get("a", ""), form.get("b", "")
    would = await visit.ask(drop_pin, PinPair(a=a, b=b, dry_run=True))
    if not await is_confirmed(visit, would.effects, changes=would.changed):
        return await ask_first(visit, "unpin", would.effects, note=visit.text("change", "unpin_note"))
    dropped = await visit.ask(drop_pin, PinPair(a=a, b=b))
    place = f"/console/profiles/{visit.request.match_info['id']}"
    return go(place, "unpinned" if dropped.changed else "unchanged")


async def lift(visit: Visit) -> web.Response:
    """`at` is the profile from whose page the form came."""
    would = await visit.ask(lift_split, LiftingQuery(dry_run=True))
    if not await is_confirmed(visit, would.effects, changes=would.changed):
        return await ask_first(visit, "lift", would.effects, note=visit.text("change", "lift_note"))
    lifted = await visit.ask(lift_split, LiftingQuery())
    place = f"/console/profiles/{quote((await visit.form()).get('at', ''), safe='')}"
    return go(place, "lifted" if lifted.changed else "unchanged")


async def erase(visit: Visit) -> web.Response:
    form, profile = await visit.form(), visit.request.match_info["id"]
    if "sure" in form:
        await visit.confirm(erase_profile, profile)
    would = await visit.ask(erase_profile, ErasingQuery(dry_run=True))
    if not await is_confirmed(visit, would.effects):
        return await ask_first(visit, "erase", would.effects, word=profile)
    await visit.ask(erase_profile, ErasingQuery())
    return go("/console/find", "erased")


async def _change(
    visit: Visit, name: str, handler: _Shape, asked: Mapping[str, Any], done: str
) -> web.Response:
    form = await visit.form()
    body, version = {**asked, "reason": form.get("reason", "")}, _version(form)
    would = await visit.ask(handler, NO_QUERY, {**body, "dry_run": True}, version)
    if not await is_confirmed(visit, would.effects, changes=would.changed):
        return await ask_first(visit, name, would.effects)
    shaped = await visit.ask(handler, NO_QUERY, body, version)
    return go(f"/console/profiles/{shaped.profile}", done if shaped.changed else "unchanged")


def _version(form: MultiMapping[str]) -> int | None:
    """The version of the profile that the page showed; None where it showed none."""
    text = form.get("version", "")
    if text and not _VERSION.fullmatch(text):
        raise Refusal("bad_body", "version: is not the number of a version; load the page again")
    return int(text) if text else None


async def is_confirmed(visit: Visit, effects: EffectsView | None, *, changes: bool = True) -> bool:
    """Whether the operator saw that just this would follow, and is sure. What was done before may be said again."""
    form = await visit.form()
    return "sure" in form and (not changes or form.get("seen", "") == seen(effects))


def seen(effects: EffectsView | None) -> str:
    """A short text for what would follow. Versions do not count: each call of the customer makes a new one."""
    told = msgspec.to_builtins(effects)
    for one in told["profiles"] if told else ():
        del one["version"]
    return hashlib.sha256(msgspec.json.encode(told)).hexdigest()[:16]


async def ask_first(
    visit: Visit,
    name: str,
    effects: EffectsView | None,
    *,
    word: str = "",
    note: str = "",
    section: str = "find",
) -> web.Response:
    """What would happen, and the same form once more. `word` has to be typed for what cannot be undone. An operator who was sure
    is told that it is no longer what they saw."""
    form = await visit.form()
    outdated = "sure" in form
    return visit.page(
        "change.html",
        section=section,
        title=visit.text("change", name),
        note=note,
        name=name,
        effects=effects,
        seen=seen(effects),
        outdated=outdated,
        status=409 if outdated else 200,
        action=visit.request.path,
        fields=[(field, text) for field, text in form.items() if field not in _OF_EVERY_FORM],
        word=word,
    )
