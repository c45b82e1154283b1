"""The system: whether it accepts calls, its clock, channels with their key pairs, and the settings in use."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from aiohttp import web

from gateway.http.admin.clock import show_clock
from gateway.http.admin.keys import KeyQuery, create_key, list_keys, revoke_key
from gateway.http.admin.listing import ListQuery
from gateway.http.admin.settings import show_settings
from gateway.http.admin.webhooks import list_webhooks, try_webhook
from gateway.http.console.visit import NO_QUERY, Visit, go

_PAIRS, _SETTINGS, _WEBHOOKS = 40, 300, 50
"""What the page has room for."""


async def show_system(visit: Visit) -> web.Response:
    """Without the settings, if the operator's role does not include them."""
    found = await visit.ask(show_settings, NO_QUERY) if visit.may("show_settings") else None
    keys = await visit.ask(list_keys, KeyQuery(limit=_PAIRS))
    settings = list(flat("", found.settings)) if found is not None else []
    return visit.page(
        "system.html",
        section="system",
        title=visit.text("system", "title"),
        json="/settings" if found is not None else "/keys",
        clock=await visit.ask(show_clock, NO_QUERY),
        keys=keys.items,
        more_keys=keys.next is not None,
        channels=[channel.name for channel in visit.services.config.channels],
        webhooks=(await visit.ask(list_webhooks, ListQuery(limit=_WEBHOOKS))).items,
        settings=settings[:_SETTINGS],
        more_settings=max(0, len(settings) - _SETTINGS),
        sources=found.sources if found is not None else {},
    )


async def issue_key(visit: Visit) -> web.Response:
    """The answer is the page itself, and not another address: it is the only one that shows the keys."""
    form = await visit.form()
    issued = await visit.ask(create_key, NO_QUERY, {"channel": form.get("channel", "")})
    return visit.page(
        "issued.html", section="system", title=visit.text("system", "issued"), one=issued, status=201
    )


async def revoke_pair(visit: Visit) -> web.Response:
    await visit.confirm(revoke_key, visit.request.match_info["id"])
    outcome = await visit.ask(revoke_key, NO_QUERY)
    return go("/console/system", "revoked" if outcome.changed else "unchanged")


async def try_one(visit: Visit) -> web.Response:
    """The page of the delivery tells what becomes of it."""
    queued = await visit.ask(try_webhook, NO_QUERY)
    return go(f"/console/deliveries/{queued.delivery}", "tried")


def flat(place: str, value: Any) -> Iterator[tuple[str, str]]:
    """Nested settings as dotted names; tables of a list have their name or number in brackets."""
    if isinstance(value, Mapping) and value:
        for name, member in value.items():
            yield from flat(f"{place}.{name}" if place else name, member)
    elif isinstance(value, list) and value and isinstance(value[0], Mapping):
        for position, member in enumerate(value):
            yield from flat(f"{place}[{member.get('name') or member.get('id') or position}]", member)
    else:
        yield place, value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
