"""The campaigns, with the results of the achievements that were reported for each."""

from collections.abc import Iterable
from itertools import groupby

import msgspec

from gateway.clock import DAY
from gateway.config import Campaign
from gateway.errors import Refusal
from gateway.http.admin.listing import Id, ListQuery, Page, page, read_cursor
from gateway.http.admin.operation import Call, Operation
from gateway.http.admin.times import Time, When, read, shown_or_none
from gateway.store.queries.activity import Funnel, funnels

_USUAL_DAYS = 30
_MOST_DAYS = 100
_OF_A_REASON = ("ignored", "failed", "dead")


class CampaignQuery(ListQuery, kw_only=True):
    since: When = ""
    until: When = ""


class CampaignView(msgspec.Struct):
    """`name` and dates are those of the settings; a campaign that only the platform has is empty there. The numbers are those of
    whole days (UTC): `accepted` reports and refused `duplicates`, then `granted`, or `ignored` by reason, or `failed` by error;
    in forward mode `delivered` to the platform, or given up (`dead`) by reason."""

    id: int
    name: str
    enabled: bool | None
    points: int | None
    starts_at: Time | None
    ends_at: Time | None
    accepted: int
    duplicates: int
    granted: int
    delivered: int
    ignored: dict[str, int]
    failed: dict[str, int]
    dead: dict[str, int]


async def list_campaigns(call: Call[CampaignQuery]) -> Page[CampaignView]:
    query, services = call.query, call.services
    now = services.clock.now()
    until = read("until", query.until, now)
    end = now + 1 if until is None else until
    end += -end % DAY
    since = read("since", query.since, now)
    begin = end - _USUAL_DAYS * DAY if since is None else since - since % DAY
    if not 0 < end - begin <= _MOST_DAYS * DAY:
        raise Refusal(
            "bad_parameter", f"since: is not 1 to {_MOST_DAYS} days before until; give another time"
        )
    after = read_cursor(query.cursor, Id, -1)
    found = await funnels(services.store, max(0, begin), end)
    of_campaign = {one: list(some) for one, some in groupby(found, lambda row: row.campaign_id)}
    known = services.env.campaigns
    ids = sorted(one for one in {*known, *of_campaign} if one > after)[: query.limit + 1]
    views = [_view(one, known.get(one), of_campaign.get(one, ())) for one in ids]
    return page(views, query.limit, lambda view: view, lambda view: view.id)


def _view(campaign_id: int, campaign: Campaign | None, rows: Iterable[Funnel]) -> CampaignView:
    numbers: dict[str, int] = {}
    reasons: dict[str, dict[str, int]] = {what: {} for what in _OF_A_REASON}
    for row in rows:
        if row.what in reasons:
            reasons[row.what][row.reason] = row.number
        else:
            numbers[row.what] = row.number
    return CampaignView(
        campaign_id,
        campaign.name if campaign else "",
        campaign.enabled if campaign else None,
        campaign.points if campaign else None,
        shown_or_none(campaign.starts_at if campaign else None),
        shown_or_none(campaign.ends_at if campaign else None),
        numbers.get("accepted", 0),
        numbers.get("duplicates", 0),
        numbers.get("granted", 0),
        numbers.get("delivered", 0),
        **reasons,
    )


OPERATIONS = (
    Operation(
        method="GET",
        path="/campaigns",
        handler=list_campaigns,
        role="viewer",
        summary="The campaigns, with the results of the achievements that were reported for each",
        query=CampaignQuery,
        answer=Page[CampaignView],
        refusals=("bad_cursor",),
    ),
)
