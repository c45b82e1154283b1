"""Finding a person, and profiles that look like one person. The search is sent as a form and not in the address, so that what a
customer said is in no history, bookmark or log."""

from aiohttp import web

from gateway.errors import Refusal
from gateway.http.admin.duplicates import DuplicateQuery, list_duplicates
from gateway.http.admin.find import FindQuery, find_profiles
from gateway.http.admin.generic_values import GenericValueQuery, list_generic_values
from gateway.http.admin.listing import Page
from gateway.http.admin.odd_profiles import OddQuery, list_odd_profiles
from gateway.http.admin.problem import status_of
from gateway.http.admin.profiles import ProfileView
from gateway.http.console.visit import Visit, go
from gateway.store.queries.duplicates import REASONS
from gateway.store.queries.generic_values import COUNTED
from rules.normalize.blocked import OWN

_ON_A_PAGE = 25
_NEAR = 0.8
"""The share of a limit from which a number is marked."""


async def show_search(visit: Visit) -> web.Response:
    """The box, and the newest profiles below it."""
    newest = await visit.ask(find_profiles, FindQuery(limit=_ON_A_PAGE))
    return _show(visit, newest)


async def search(visit: Visit) -> web.Response:
    """A single match is shown at once."""
    form = await visit.form()
    query = None
    try:
        query = visit.query(FindQuery, form, limit=_ON_A_PAGE)
        found = await visit.ask(find_profiles, query)
    except Refusal as refusal:
        if status_of(refusal.code) not in (400, 404):
            raise
        return _show(visit, None, query, str(refusal))
    if query.q and len(found.items) == 1 and not query.cursor:
        return go(f"/console/profiles/{found.items[0].id}")
    return _show(visit, found, query)


async def show_duplicates(visit: Visit) -> web.Response:
    """Looked for once a reason is chosen: each looks through all customers."""
    reason = visit.request.query.get("reason", "").strip()
    page, wrong = await visit.look_up(list_duplicates, DuplicateQuery) if reason else (None, "")
    return visit.page(
        "duplicates.html",
        section="find",
        title=visit.text("duplicates", "title"),
        json="/duplicates",
        page=page,
        wrong=wrong,
        reasons=REASONS,
    )


async def show_odd_profiles(visit: Visit) -> web.Response:
    found = await visit.ask(list_odd_profiles, OddQuery())
    return visit.page(
        "odd_profiles.html",
        section="find",
        title=visit.text("odd", "title"),
        json="/odd-profiles",
        found=found,
        near=_NEAR,
    )


async def show_generic_values(visit: Visit) -> web.Response:
    page, wrong = await visit.look_up(list_generic_values, GenericValueQuery)
    policy, rules = visit.services.env.policy, visit.services.env.rules
    return visit.page(
        "generic_values.html",
        section="find",
        title=visit.text("generic", "title"),
        json="/generic-values",
        page=page,
        wrong=wrong,
        types=sorted(policy.key_types),
        numbers=policy.phone_types,
        own=sorted(one.removeprefix(OWN) for one in rules.blocked.phones if one.startswith(OWN)),
        counted_records=COUNTED,
        status=400 if wrong else 200,
    )


def identifiers(profile: ProfileView) -> list[str]:
    """The values of a profile, each once."""
    return list(dict.fromkeys(seen.value for record in profile.records for seen in record.observations))


def _show(
    visit: Visit, page: Page[ProfileView] | None, query: FindQuery | None = None, wrong: str = ""
) -> web.Response:
    asked = query or FindQuery()
    return visit.page(
        "find.html",
        section="find",
        title=visit.text("find", "title"),
        json="/profiles",
        page=page,
        wrong=wrong,
        q=asked.q,
        channel=asked.channel,
        channels=[channel.name for channel in visit.services.config.channels],
        identifiers=identifiers,
        status=400 if wrong else 200,
    )
