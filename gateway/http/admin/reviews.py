"""Open questions for a person, as a list."""

from typing import Literal

import msgspec

from gateway.http.admin.listing import NEWEST, Id, ListQuery, Page, page, read_cursor
from gateway.http.admin.operation import Call
from gateway.http.admin.times import Time, shown, shown_or_none
from gateway.ids import show
from gateway.model import ReviewItem
from gateway.store.reports import profiles as reports


class ReviewQuery(ListQuery, kw_only=True):
    state: Literal["", "open", "accepted", "rejected", "stale"] = ""


class ReviewView(msgspec.Struct):
    """May these two profiles be one? `types` are the identifier types on which they meet."""

    id: str
    profiles: list[str]
    state: str
    reason: str
    rule: str
    types: list[str]
    opened_at: Time
    closed_at: Time | None
    closed_by: str


async def list_reviews(call: Call[ReviewQuery]) -> Page[ReviewView]:
    query = call.query
    before = read_cursor(query.cursor, Id, NEWEST)
    found = await reports.reviews(call.services.store, query.state, before, query.limit + 1)
    return page(found, query.limit, review_view, lambda item: item.review_id)


def review_view(item: ReviewItem) -> ReviewView:
    return ReviewView(
        show("rev", item.review_id),
        [show("prf", item.profile_a), show("prf", item.profile_b)],
        item.state,
        item.reason,
        item.rule,
        list(item.types),
        shown(item.opened_at),
        shown_or_none(item.closed_at),
        item.closed_by,
    )
