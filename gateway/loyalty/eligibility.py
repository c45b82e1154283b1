"""Decides whether a profile may earn a campaign for a report. The checks run in one fixed order, and the first that fails is
the reason, so that the same case always gets the same answer: program, customer, campaign, activation, audience, total limit,
limit per period.

Everything with a date is judged by the moment at which the report was accepted, so that neither the delay of grants nor an
outage costs a reward. Everything else is judged by its state at the decision.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Literal, NamedTuple

from gateway.config import Audience, Campaign, Limit, Program
from gateway.loyalty.period import period_around
from gateway.model.tags import folded, folded_all

Reason = Literal[
    "program_disabled",
    "customer_unknown",
    "customer_inactive",
    "guest",
    "campaign_unknown",
    "campaign_not_social",
    "campaign_disabled",
    "over_budget",
    "not_started",
    "ended",
    "audience_tags",
    "audience_excluded_tag",
    "audience_tier",
    "audience_attributes",
    "limit_total",
    "limit_period",
]


class Standing(NamedTuple):
    """A profile as it is now, with all its records together. `tier` is the order of its tier, 0 for none. `granted` holds, for
    each granted report of the campaign, when it was accepted. `spent` is the number of points that the campaign has given to
    all customers so far.

    Fields that `needs` does not list may keep their default.
    """

    exists: bool = True
    active: bool = True
    guest: bool = False
    tags: frozenset[str] = frozenset()
    tier: int = 0
    attributes: Mapping[str, Any] = {}
    granted: Sequence[int] = ()
    spent: int = 0


class Needs(NamedTuple):
    """Which fields of a standing a campaign reads."""

    tags: bool
    tier: bool
    attributes: bool
    granted: bool
    spent: bool


def needs(campaign: Campaign) -> Needs:
    audience = campaign.audience
    return Needs(
        tags=bool(audience.include_tags or audience.exclude_tags),
        tier=audience.min_tier > 0,
        attributes=bool(audience.attributes),
        granted=campaign.max_achievements > 0 or campaign.limit is not None,
        spent=campaign.budget_points > 0,
    )


def judge(program: Program, campaign: Campaign | None, standing: Standing, accepted_at: int) -> Reason | None:
    """The reason for not granting; None: grant. A `campaign` of None is unknown."""
    if not program.enabled:
        return "program_disabled"
    return (
        _customer(campaign, standing)
        or _campaign(campaign, standing.spent, accepted_at)
        or (
            campaign
            and (_audience(campaign.audience, standing) or _limits(program, campaign, standing, accepted_at))
        )
        or None
    )


def _customer(campaign: Campaign | None, standing: Standing) -> Reason | None:
    if not standing.exists:
        return "customer_unknown"
    if not standing.active:
        return "customer_inactive"
    if standing.guest and not (campaign and campaign.audience.guests):
        return "guest"
    return None


def _campaign(campaign: Campaign | None, spent: int, accepted_at: int) -> Reason | None:
    if campaign is None:
        return "campaign_unknown"
    if campaign.type != "social":
        return "campaign_not_social"
    if not campaign.enabled:
        return "campaign_disabled"
    if campaign.budget_points and spent + campaign.points > campaign.budget_points:
        return "over_budget"
    if campaign.starts_at is not None and accepted_at < campaign.starts_at:
        return "not_started"
    if campaign.ends_at is not None and accepted_at >= campaign.ends_at:
        return "ended"
    return None


def _audience(audience: Audience, standing: Standing) -> Reason | None:
    if audience.include_tags or audience.exclude_tags:
        tags = folded_all(standing.tags)
        if audience.include_tags and tags.isdisjoint(map(folded, audience.include_tags)):
            return "audience_tags"
        if not tags.isdisjoint(map(folded, audience.exclude_tags)):
            return "audience_excluded_tag"
    if standing.tier < audience.min_tier:
        return "audience_tier"
    if audience.attributes and not _has(standing.attributes, audience.attributes):
        return "audience_attributes"
    return None


def _has(attributes: Mapping[str, Any], wanted: Mapping[str, Any]) -> bool:
    return all(name in attributes and attributes[name] == value for name, value in wanted.items())


def _limits(program: Program, campaign: Campaign, standing: Standing, accepted_at: int) -> Reason | None:
    if campaign.max_achievements and len(standing.granted) >= campaign.max_achievements:
        return "limit_total"
    if campaign.limit and _used_up(campaign.limit, standing.granted, program.time_zone, accepted_at):
        return "limit_period"
    return None


def _used_up(limit: Limit, granted: Sequence[int], time_zone: str, accepted_at: int) -> bool:
    """Reports that were accepted later in the same period count too, because reports need not be decided in order."""
    if len(granted) < limit.times:
        return False
    period = period_around(accepted_at, limit.per, time_zone)
    return sum(at in period for at in granted) >= limit.times
