"""Changes of a person by hand: merge, split, undo, pin, erase. Each is shown first as a dry run tells it; the form of that page
then repeats the same request."""

import re
from collections.abc import Awaitable, Callable, Mapping
from typing import Any
from urllib.parse import quote

from aiohttp import web
from multidict import MultiMapping

from gateway.errors import Refusal
from gateway.http.admin.merges import ShapedView, merge_profiles, split_profile, undo_merge
from gateway.http.admin.operation import Call
from gateway.http.admin.pins import PinPair, drop_pin, set_pin
from gateway.http.admin.profiles import ErasingQuery, erase_profile
from gateway.http.admin.splits import LiftingQuery, lift_split
from gateway.http.console.visit import NO_QUERY, Visit, go

_OF_EVERY_FORM = frozenset({"_csrf", "_build", "sure", "confirm"})
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
    sure = "sure" in form
    placed = await visit.ask(set_pin, NO_QUERY, {**body, "dry_run": not sure})
    if sure:
        return go(f"/console/profiles/{placed.profiles[0]}", "pinned" if placed.changed else "unchanged")
    return await ask_first(visit, "pin", placed.effects)


async def unpin(visit: Visit) -> web.Response:
    form = await visit.form()
    sure = "sure" in form
    pair = PinPair(a=form.get("a", ""), b=form.get("b", ""), dry_run=not sure)
    dropped = await visit.ask(drop_pin, pair)
    if sure:
        place = f"/console/profiles/{visit.request.match_info['id']}"
        return go(place, "unpinned" if dropped.changed else "unchanged")
    return await ask_first(visit, "unpin", dropped.effects, note=visit.text("change", "unpin_note"))


async def lift(visit: Visit) -> web.Response:
    """`at` is the profile from whose page the form came."""
    sure = "sure" in await visit.form()
    lifted = await visit.ask(lift_split, LiftingQuery(dry_run=not sure))
    if sure:
        place = f"/console/profiles/{quote((await visit.form()).get('at', ''), safe='')}"
        return go(place, "lifted" if lifted.changed else "unchanged")
    return await ask_first(visit, "lift", lifted.effects, note=visit.text("change", "lift_note"))


async def erase(visit: Visit) -> web.Response:
    form, profile = await visit.form(), visit.request.match_info["id"]
    if "sure" in form:
        await visit.confirm(erase_profile, profile)
        await visit.ask(erase_profile, ErasingQuery())
        return go("/console/find", "erased")
    found = await visit.ask(erase_profile, ErasingQuery(dry_run=True))
    return await ask_first(visit, "erase", found.effects, word=profile)


async def _change(
    visit: Visit, name: str, handler: _Shape, asked: Mapping[str, Any], done: str
) -> web.Response:
    form = await visit.form()
    sure = "sure" in form
    body = {**asked, "reason": form.get("reason", ""), "dry_run": not sure}
    shaped = await visit.ask(handler, NO_QUERY, body, _version(form))
    if sure:
        return go(f"/console/profiles/{shaped.profile}", done if shaped.changed else "unchanged")
    return await ask_first(visit, name, shaped.effects)


def _version(form: MultiMapping[str]) -> int | None:
    """The version of the profile that the page showed; None where it showed none."""
    text = form.get("version", "")
    if text and not _VERSION.fullmatch(text):
        raise Refusal("bad_body", "version: is not the number of a version; load the page again")
    return int(text) if text else None


async def ask_first(
    visit: Visit, name: str, effects: object, *, word: str = "", note: str = "", section: str = "find"
) -> web.Response:
    """What would happen, and the same form once more. `word` has to be typed for what cannot be undone."""
    form = await visit.form()
    return visit.page(
        "change.html",
        section=section,
        title=visit.text("change", name),
        note=note,
        name=name,
        effects=effects,
        action=visit.request.path,
        fields=[(field, text) for field, text in form.items() if field not in _OF_EVERY_FORM],
        word=word,
    )
