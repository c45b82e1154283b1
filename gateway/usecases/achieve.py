"""The social-campaign call: resolve the customer, count the campaign once per dedup window, and promise the grant, or the report to
the upstream, which then grants.

What is answered is durable: one transaction has the achievement with its due time or its delivery, the window and the audit event.
"""

from collections.abc import Mapping
from typing import Any

from gateway.audit.event import Action
from gateway.clock import DAY
from gateway.ids import show
from gateway.model import (
    Accepted,
    Achieve,
    Achievement,
    AchieveOutcome,
    Caller,
    Dedup,
    Done,
    Duplicate,
    IdempotencyKey,
    KeyReused,
    Replayed,
    Resolution,
    Settle,
    StoredAnswer,
    UnknownCustomer,
)
from gateway.usecases import claims
from gateway.usecases.deliver import ACHIEVEMENT, UPSTREAM
from gateway.usecases.env import Env
from gateway.usecases.observe import observe, unusable, wants_of_identity
from gateway.workingset import WorkingSet

DIRECT = "direct"
"""The reason of an achievement that is queued because the platform was asked and has not answered yet."""


def wants(command: Achieve, ws: WorkingSet, env: Env) -> bool:
    caller, token = command.caller, command.idempotency
    if token is not None:
        ws.answers.want((caller.channel, token.route, token.key))
    if not wants_of_identity(
        caller,
        command.customer_id,
        command.evidence,
        ws,
        env,
        may_create=_may_create(command, env),
        claims=bool(command.claims),
    ):
        return False
    record = ws.records[caller.id_space, command.customer_id]
    if record is not None:
        ws.want_window(record.profile_id, command.campaign_id)
    return True


def achieve(command: Achieve, ws: WorkingSet, env: Env) -> AchieveOutcome:
    token = command.idempotency
    if token is not None and (stored := _stored_answer(command.caller, token, ws)) is not None:
        return _repeat(command, token, stored, ws)
    resolution = observe(
        command.caller,
        command.customer_id,
        command.evidence,
        ws,
        env,
        may_create=_may_create(command, env),
    )
    if resolution is None:
        _note(command, ws, Action.CALL_REFUSED, None, "refused", "unknown_customer")
        return UnknownCustomer()
    claims.keep(command, resolution, ws, env)
    window = _window(resolution.profile_id, command.campaign_id, ws)
    if window is not None and window.expires_at > ws.now:
        _note(
            command,
            ws,
            Action.ACHIEVEMENT_DUPLICATE,
            resolution,
            "refused",
            "dedup_window",
            window.achievement_id,
        )
        return Duplicate(window.expires_at - ws.now, resolution)
    return _accept(command, resolution, ws, env)


def _window(profile_id: int, campaign_id: int, ws: WorkingSet) -> Dedup | None:
    """The window in force. If it was opened by a clock that was more than a day ahead, it begins now, so that it does not block
    reports for years. It is not dropped: perhaps it is this clock that is behind."""
    window = ws.window(profile_id, campaign_id)
    if window is None or window.accepted_at <= ws.now + DAY:
        return window
    begun = Dedup(window.achievement_id, ws.now, ws.now + window.expires_at - window.accepted_at)
    ws.set_window(profile_id, campaign_id, begun)
    return begun


def _may_create(command: Achieve, env: Env) -> bool:
    return env.delivers and command.caller.trust != "ignore"


def _stored_answer(caller: Caller, token: IdempotencyKey, ws: WorkingSet) -> StoredAnswer | None:
    stored = ws.answers[caller.channel, token.route, token.key]
    return stored if stored is not None and stored.expires_at > ws.now else None


def _repeat(
    command: Achieve, token: IdempotencyKey, stored: StoredAnswer, ws: WorkingSet
) -> Replayed | KeyReused:
    """A repeated key is itself committed, as an event, before it is answered. So the answer that it repeats is durable too."""
    if stored.fingerprint == token.fingerprint:
        _note(command, ws, Action.ACHIEVEMENT_REPLAYED, None, "ok", "idempotency_key")
        return Replayed(stored)
    _note(command, ws, Action.CALL_REFUSED, None, "refused", "idempotency_key_reused")
    return KeyReused()


def _accept(command: Achieve, resolution: Resolution, ws: WorkingSet, env: Env) -> Accepted:
    campaign = env.campaigns.get(command.campaign_id)
    span = (campaign.dedup_window if campaign is not None else None) or env.dedup_window
    achievement = Achievement(
        ws.next_id(),
        resolution.record_id,
        command.campaign_id,
        "queued" if env.delivers or command.direct else "accepted",
        DIRECT if command.direct else "",
        command.caller.channel,
        command.caller.request_id,
        ws.now,
        ws.now if env.delivers or command.direct else ws.now + env.random_between(*env.grant_delay),
        trace=command.caller.trace,
    )
    ws.accept(achievement)
    if env.delivers:
        ws.queue(
            UPSTREAM,
            resolution.profile_id,
            ACHIEVEMENT,
            achievement.achievement_id,
            "",
            give_up_after=env.give_up_after,
        )
    ws.set_window(
        resolution.profile_id,
        command.campaign_id,
        Dedup(achievement.achievement_id, ws.now, ws.now + span),
    )
    if not command.direct:
        _keep_answer(command.caller, command.idempotency, achievement, ws, env)
    _note(
        command,
        ws,
        Action.ACHIEVEMENT_ACCEPTED,
        resolution,
        "ok",
        "",
        achievement.achievement_id,
        unusable(command.evidence, env),
    )
    return Accepted(achievement.achievement_id, resolution)


def _keep_answer(
    caller: Caller, token: IdempotencyKey | None, achievement: Achievement, ws: WorkingSet, env: Env
) -> None:
    if token is not None and _stored_answer(caller, token, ws) is None:
        expires_at = ws.now + env.idempotency_ttl
        kept = StoredAnswer(token.fingerprint, token.status, token.answer, expires_at, token.headers)
        ws.keep_answer((caller.channel, token.route, token.key), kept, achievement.achievement_id)


# ---- what was reported directly ----


def lost(
    achievement_id: int, profile_id: int | None, campaign_id: int, channel: str, request_id: str
) -> Settle:
    """Ends a report after its answer was lost and will not come any more."""
    caller = Caller(channel, "", "gateway", request_id, "gateway")
    return Settle(caller, achievement_id, profile_id, campaign_id, "unknown", "no_answer")


def wants_of_settling(command: Settle, ws: WorkingSet, env: Env) -> bool:
    if (token := command.idempotency) is not None:
        ws.answers.want((command.caller.channel, token.route, token.key))
    if not ws.achievements.want(command.achievement_id):
        return False
    achievement = ws.achievements[command.achievement_id]
    if achievement is None or not ws.homes.want(achievement.record_id):
        return achievement is None
    home = ws.homes[achievement.record_id]
    if command.result != "refused" or home is None:
        return True
    if not ws.absorptions.want(home):
        return False
    for holder in _holders_of_windows(home, ws):
        ws.want_window(holder, command.campaign_id)
    return True


def settle(command: Settle, ws: WorkingSet, env: Env) -> Done:
    """The achievement ends here. If it was delivered, its key is answered from now on; before, nothing was promised. If the answer
    was lost, only the upstream knows whether the report arrived, so the window stays."""
    achievement = ws.achievements[command.achievement_id]
    if achievement is None or achievement.state != "queued":
        return Done(changed=False)
    delivered = command.result == "delivered"
    achievement.state = "delivered" if delivered else "dead"
    achievement.reason, achievement.decided_at = command.reason, ws.now
    ws.decide(achievement)
    home = ws.homes[achievement.record_id]
    if command.result == "refused" and home is not None:
        _open_window(home, command, ws)
    if delivered and command.idempotency is not None and home is not None:
        _keep_answer(command.caller, command.idempotency, achievement, ws, env)
    ws.record_event(
        Action.ACHIEVEMENT_DELIVERED if delivered else Action.ACHIEVEMENT_DEAD,
        outcome=achievement.state,
        channel=command.caller.channel,
        actor=command.caller.actor,
        profile=show("prf", command.profile_id) if command.profile_id is not None else "",
        subject=show("ach", command.achievement_id),
        request_id=command.caller.request_id,
        reason=command.reason,
        detail={"campaign": command.campaign_id, "status": command.status},
    )
    return Done()


def _open_window(home: int, command: Settle, ws: WorkingSet) -> None:
    """The report counts no longer. If its profile was merged meanwhile, the window of an earlier report may be in force again."""
    holders = _holders_of_windows(home, ws)
    found = {one: window for one in holders if (window := ws.window(one, command.campaign_id)) is not None}
    windows = [
        Dedup(one.achievement_id, one.accepted_at, ws.now)
        if one.achievement_id == command.achievement_id
        else one
        for one in found.values()
    ]
    windows.sort(key=lambda window: window.expires_at, reverse=True)
    for holder, window in zip(found, windows, strict=True):
        ws.set_window(holder, command.campaign_id, window)


def _holders_of_windows(home: int, ws: WorkingSet) -> list[int]:
    """The profile, whose window counts, and those that it absorbed, under which other windows wait."""
    return [home, *(row.absorbed_id for row in ws.absorptions[home])]


def _note(
    command: Achieve,
    ws: WorkingSet,
    action: Action,
    resolution: Resolution | None,
    outcome: str,
    reason: str,
    achievement_id: int | None = None,
    detail: Mapping[str, Any] = {},
) -> None:
    ws.record_event(
        action,
        outcome=outcome,
        channel=command.caller.channel,
        actor=command.caller.actor,
        profile=show("prf", resolution.profile_id) if resolution else "",
        subject=show("ach", achievement_id) if achievement_id else "",
        request_id=command.caller.request_id,
        reason=reason,
        detail={"campaign": command.campaign_id, **detail},
    )
