"""Deferred granting: each due achievement is judged once, by the profile as it is now and the campaign's dates as of its
acceptance.

Claim, decision, ledger entry, state and audit event are one transaction, fenced by the achievement's epoch: a decision that is not
committed never happened, and one that is committed cannot happen again.
"""

from collections import defaultdict
from collections.abc import Mapping
from typing import Final

import msgspec

from gateway.audit.event import Action
from gateway.config import Campaign
from gateway.errors import MISTAKES
from gateway.ids import show
from gateway.loyalty.eligibility import Reason, Standing, judge
from gateway.loyalty.reward import reward
from gateway.loyalty.tier import tier_of
from gateway.model import (
    Achievement,
    AchievementState,
    Done,
    Due,
    GrantDue,
    Granted,
    LedgerEntry,
    Refused,
    RetryAchievement,
)
from gateway.usecases.deliver import retry_delivery
from gateway.usecases.env import Env
from gateway.workingset import WorkingSet

_COUPON_BYTES = 10
_EVENTS: Final[Mapping[AchievementState, Action]] = {
    "granted": Action.ACHIEVEMENT_GRANTED,
    "ignored": Action.ACHIEVEMENT_IGNORED,
    "failed": Action.ACHIEVEMENT_FAILED,
}
_decode = msgspec.json.decode


def wants(command: GrantDue, ws: WorkingSet, env: Env) -> bool:
    wanted = (command.limit, env.standing_details)
    if not ws.due.want(wanted):
        return False
    for due in ws.due[wanted]:
        campaign = env.campaigns.get(due.achievement.campaign_id)
        if campaign is not None and campaign.budget_points:
            ws.budgets.want(campaign.id)
    return True


def grant_due(command: GrantDue, ws: WorkingSet, env: Env) -> Granted:
    earlier = _Earlier()
    counts = {"granted": 0, "ignored": 0, "failed": 0}
    for due in ws.due[command.limit, env.standing_details]:
        counts[_decide(due, earlier, ws, env)] += 1
    return Granted(**counts)


class _Earlier:
    """Grants of the same batch. They count like all earlier grants."""

    def __init__(self) -> None:
        self.granted: defaultdict[tuple[int | None, int], tuple[int, ...]] = defaultdict(tuple)
        self.score: defaultdict[int | None, int] = defaultdict(int)


def _decide(due: Due, earlier: _Earlier, ws: WorkingSet, env: Env) -> str:
    campaign = env.campaigns.get(due.achievement.campaign_id)
    try:
        standing = _standing(due, campaign, earlier, ws, env)
        reason = _reason(campaign, standing, due.achievement.accepted_at, ws.now, env)
    except MISTAKES as error:  # one poisoned row must not hold up every grant behind it
        return _close(due, "failed", type(error).__name__, ws)
    if reason is not None or campaign is None:
        return _close(due, "ignored", reason or "campaign_unknown", ws)
    _grant(due, campaign, ws, env)
    earlier.granted[due.profile_id, campaign.id] += (due.achievement.accepted_at,)
    earlier.score[due.profile_id] += campaign.score
    return "granted"


def _reason(
    campaign: Campaign | None, standing: Standing, accepted_at: int, now: int, env: Env
) -> Reason | None:
    """If the acceptance lies in the future, one of two clocks was wrong, and the better result for the customer counts."""
    reason = judge(env.program, campaign, standing, accepted_at)
    return reason and judge(env.program, campaign, standing, now) if accepted_at > now else reason


def _standing(due: Due, campaign: Campaign | None, earlier: _Earlier, ws: WorkingSet, env: Env) -> Standing:
    tier = tier_of(env.tiers, due.score + earlier.score[due.profile_id])
    return Standing(
        exists=due.profile_id is not None,
        active=due.active,
        guest=due.guest,
        tags=due.tags,
        tier=tier.order if tier is not None else 0,
        attributes={name: _decode(text) for name, text in due.attributes.items()},
        granted=due.granted + earlier.granted[due.profile_id, due.achievement.campaign_id],
        spent=ws.budgets[campaign.id] if campaign is not None and campaign.budget_points else 0,
    )


def _grant(due: Due, campaign: Campaign, ws: WorkingSet, env: Env) -> None:
    achievement = due.achievement
    prize = reward(campaign, env.random_bytes(_COUPON_BYTES) if campaign.coupon else b"")
    entry = LedgerEntry(
        achievement.record_id,
        campaign.id,
        ws.next_id(),
        "reward",
        achievement.achievement_id,
        prize.points,
        prize.score,
        prize.coupon_code,
        ws.now,
    )
    ws.enter(entry)
    if campaign.budget_points:
        ws.spend(campaign.id, prize.points)
    detail = {
        "campaign": campaign.id,
        "points": prize.points,
        "score": prize.score,
        "coupon": bool(prize.coupon_code),
    }
    _close(due, "granted", "", ws, detail)


def _close(
    due: Due, state: AchievementState, reason: str, ws: WorkingSet, detail: Mapping[str, object] | None = None
) -> str:
    achievement = due.achievement
    _set_state(achievement, state, reason, ws)
    ws.record_event(
        _EVENTS[state],
        outcome=state,
        channel=achievement.channel,
        actor="gateway",
        profile=show("prf", due.profile_id) if due.profile_id is not None else "",
        subject=show("ach", achievement.achievement_id),
        request_id=achievement.request_id,
        reason=reason,
        detail=detail or {"campaign": achievement.campaign_id},
    )
    return state


def _set_state(achievement: Achievement, state: AchievementState, reason: str, ws: WorkingSet) -> None:
    achievement.state = state
    achievement.reason = reason
    achievement.decided_at = ws.now
    ws.decide(achievement)


def wants_of_retry(command: RetryAchievement, ws: WorkingSet, env: Env) -> bool:
    ws.achievements.want(command.achievement_id)
    ws.sendings.want(command.achievement_id)
    return True


def retry(command: RetryAchievement, ws: WorkingSet, env: Env) -> Done | Refused:
    """Judge it again, or report it again, now. An achievement that was granted or delivered stays so."""
    achievement = ws.achievements[command.achievement_id]
    if achievement is None:
        return Refused("achievement_unknown", "There is no such achievement.")
    if achievement.state in ("accepted", "queued"):
        return Done(changed=False)
    if achievement.state == "granted":
        return Refused("achievement_granted", "It was granted; a grant is final and cannot be repeated.")
    if achievement.state == "delivered":
        return Refused("achievement_delivered", "The upstream has it; a report is not repeated.")
    if achievement.state == "dead":
        return _report_again(command, ws, env)
    achievement.state, achievement.reason, achievement.decided_at = "accepted", "", None
    achievement.due_at = ws.now
    ws.decide(achievement)
    ws.record_event(
        Action.ACHIEVEMENT_RETRIED,
        actor=command.caller.actor,
        subject=show("ach", achievement.achievement_id),
        request_id=command.caller.request_id,
        detail={"campaign": achievement.campaign_id},
    )
    return Done()


def _report_again(command: RetryAchievement, ws: WorkingSet, env: Env) -> Done | Refused:
    delivery_id = ws.sendings[command.achievement_id]
    delivery = ws.deliveries[delivery_id] if delivery_id is not None else None
    if delivery is None or delivery.state != "dead":
        return Refused(
            "delivery_closed", "Nothing is left to be sent: it was discarded, or was reported directly."
        )
    return retry_delivery(delivery, command.caller, ws, env)
