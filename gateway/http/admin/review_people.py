"""Open questions grouped by the person whom they are about, those with news or with much at stake first."""

from typing import Annotated

import msgspec
from msgspec import Meta

from gateway.http.admin.listing import NEWEST, Id, Page, read_cursor, write_cursor
from gateway.http.admin.operation import Call, Operation
from gateway.http.admin.people import people
from gateway.http.admin.reviews import ReviewFilters, ReviewView, review_views, wanted_reviews
from gateway.ids import show
from gateway.store.queries.review_people import Sort, people_asked

_Key = Annotated[int, Meta(ge=-NEWEST, le=NEWEST)]


class PeopleQuery(ReviewFilters, kw_only=True):
    sort: Annotated[Sort, Meta(description="newest evidence first, or most points at stake first")] = (
        "evidence"
    )


class PersonAskedView(msgspec.Struct):
    """A person, which is the older of the two profiles of a question, with the first 20 of the questions that match.
    `questions` is the number of them; at most 1,000 are counted."""

    profile: str
    person: str
    questions: int
    reviews: list[ReviewView]


async def list_people_asked(call: Call[PeopleQuery]) -> Page[PersonAskedView]:
    """A filter that no index serves is asked of 2,000 reviews a page, so a page may be short and have a `next`."""
    query, services = call.query, call.services
    before = read_cursor(query.cursor, tuple[_Key, Id], (NEWEST, NEWEST))
    wanted = wanted_reviews(services, query)
    found, behind = await people_asked(services.store, wanted, query.sort, before, query.limit)
    named = await people(services, [one.profile_id for one in found])
    shown = iter(await review_views(services, [item for one in found for item in one.items]))
    views = [
        PersonAskedView(
            show("prf", one.profile_id),
            named.get(one.profile_id, ""),
            one.number,
            [next(shown) for _ in one.items],
        )
        for one in found
    ]
    return Page(views, None if behind is None else write_cursor(behind))


OPERATIONS = (
    Operation(
        method="GET",
        path="/reviews/people",
        handler=list_people_asked,
        role="viewer",
        summary="Open questions by person, newest evidence or most points at stake first",
        query=PeopleQuery,
        answer=Page[PersonAskedView],
        refusals=("bad_cursor", "unknown_channel"),
    ),
)
