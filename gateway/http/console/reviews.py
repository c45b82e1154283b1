"""Reviews: what waits for a person, one question with its two sides beside each other, and the answer."""

from collections.abc import Iterator
from dataclasses import dataclass

from aiohttp import web

from gateway.http.admin.listing import write_cursor
from gateway.http.admin.review_detail import ReviewDetail, show_review
from gateway.http.admin.review_people import PeopleQuery, list_people_asked
from gateway.http.admin.reviews import (
    ReviewQuery,
    ReviewView,
    accept_review,
    list_reviews,
    reject_review,
    undo_answer,
)
from gateway.http.console import bulk
from gateway.http.console.chart import Waterfall, waterfall
from gateway.http.console.person import readable, shorter
from gateway.http.console.profile_changes import ask_first, is_confirmed, seen
from gateway.http.console.visit import NO_QUERY, Visit, go
from gateway.ids import read

_STATES = ("open", "accepted", "rejected", "stale")
_ATTRIBUTE = "attribute "
_QUESTIONS = (("resplit:", "leave"), ("split:", "keys"), ("points", "points"))


@dataclass(frozen=True, slots=True)
class Compared:
    """One row of the comparison: what both sides say, whether they agree, and how near the nearest values are."""

    what: str
    values: tuple[list[str], list[str]]
    verdict: str
    likeness: str
    how: str


def question_of(reason: str) -> str:
    """The kind of question, by the reason of a review: docs/reference/reviews.md."""
    return next((kind for start, kind in _QUESTIONS if reason.startswith(start)), "join")


async def show_reviews(visit: Visit) -> web.Response:
    page, wrong = await visit.look_up(list_reviews, ReviewQuery)
    return visit.page(
        "reviews.html",
        section="reviews",
        title=visit.text("reviews", "title"),
        json="/reviews",
        page=page,
        wrong=wrong,
        states=_STATES,
        channels=[channel.name for channel in visit.services.config.channels],
        question_of=question_of,
        offered=bulk.of_reviews(visit, is_open=visit.request.query.get("state") == "open"),
    )


async def show_people_asked(visit: Visit) -> web.Response:
    """Open questions by the person whom they are about."""
    page, wrong = await visit.look_up(list_people_asked, PeopleQuery)
    return visit.page(
        "review_people.html",
        section="reviews",
        title=visit.text("reviews", "title"),
        json="/reviews/people",
        page=page,
        wrong=wrong,
        states=_STATES,
        channels=[channel.name for channel in visit.services.config.channels],
        question_of=question_of,
        offered=bulk.of_reviews(visit, is_open=True),
    )


async def show_one_review(visit: Visit) -> web.Response:
    """One question with its two sides, and what follows from each answer."""
    item = await visit.ask(show_review, NO_QUERY)
    kind = question_of(item.reason)
    return visit.page(
        "review.html",
        section="reviews",
        title=visit.text("review", kind),
        json=f"/reviews/{item.id}",
        one=item,
        kind=kind,
        rows=list(compared(item)),
        waterfall=waterfall_of(visit, item),
        following=await _following(visit, item) if item.state == "open" else "",
        seen=seen(item.undo.effects) if item.undo else "",
    )


async def answer_yes(visit: Visit) -> web.Response:
    return await _answer(visit, accept=True)


async def answer_no(visit: Visit) -> web.Response:
    return await _answer(visit, accept=False)


async def _answer(visit: Visit, *, accept: bool) -> web.Response:
    """The next open question follows at once."""
    form = await visit.form()
    answered = await visit.ask(
        accept_review if accept else reject_review, NO_QUERY, {"reason": form.get("reason", "")}
    )
    done = ("accepted" if accept else "rejected") if answered.changed else "unchanged"
    following = form.get("following", "")
    told = {"answered": answered.id} if answered.changed else {}
    if answered.now:
        told["now"] = answered.now[0]
    if read("rev", following) is None:
        return go("/console/reviews", done, state="open", **told)
    return go(f"/console/reviews/{following}", done, **told)


async def undo(visit: Visit) -> web.Response:
    """What would follow, and then the question, which is open again."""
    body = {"reason": (await visit.form()).get("reason", "")}
    would = await visit.ask(undo_answer, NO_QUERY, {**body, "dry_run": True})
    if not await is_confirmed(visit, would.effects, changes=would.changed):
        return await ask_first(visit, "undo_answer", would.effects, section="reviews")
    undone = await visit.ask(undo_answer, NO_QUERY, body)
    return go(f"/console/reviews/{undone.id}", "reopened")


async def _following(visit: Visit, item: ReviewView) -> str:
    """The open question after this one; the newest if this is the last."""
    older = ReviewQuery(state="open", limit=1, cursor=write_cursor(read("rev", item.id)))
    for query in (older, ReviewQuery(state="open", limit=2)):
        found = (await visit.ask(list_reviews, query)).items
        others = [one.id for one in found if one.id != item.id]
        if others:
            return others[0]
    return ""


def waterfall_of(visit: Visit, item: ReviewDetail) -> Waterfall | None:
    """What speaks for and against, as the search weighed it; None if it weighed nothing."""
    weighed = [] if item.suggestion is None else item.suggestion.comparisons
    if not any(one.weight for one in weighed):
        return None
    named = [
        (f"{visit.text('suggested_what', one.what)}: {visit.text('suggested_level', one.level)}", one.weight)
        for one in weighed
    ]
    return waterfall(named, visit.text("suggestions", "sum"))


def compared(item: ReviewDetail) -> Iterator[Compared]:
    """What both sides say: first what differs, then what agrees."""
    for verdict, values in (("differs", item.differs), ("agrees", item.agrees)):
        for one in values:
            what = shorter(one.what.removeprefix(_ATTRIBUTE))
            yield Compared(
                what, ([*map(readable, one.one)], [*map(readable, one.other)]), verdict, one.likeness, one.how
            )
