"""Suggestions: a search runs beside the gateway, on a snapshot, and proposes pairs of records. Each becomes a question here, unless
the two are on one profile by now, are pinned apart, or were asked about before with the same evidence. So what a person rejected
stays rejected until something new speaks for it."""

from msgspec.structs import replace

from gateway.audit.event import Action
from gateway.ids import show
from gateway.model import (
    Done,
    EndSuggesting,
    NoteSuggesting,
    Refused,
    StartSuggesting,
    Suggest,
    Suggestion,
    SuggestionRun,
)
from gateway.usecases.env import Env
from gateway.usecases.merge import cannot_pin, open_review
from gateway.workingset import WorkingSet
from rules.decision import ReviewProposal


def wants_nothing(command: StartSuggesting, ws: WorkingSet, env: Env) -> bool:
    return True


def start(command: StartSuggesting, ws: WorkingSet, env: Env) -> SuggestionRun:
    caller = command.caller
    run = SuggestionRun(
        ws.next_id(), "running", "waiting", caller.actor, ws.now, ws.now, rule_set=command.rule_set
    )
    ws.suggestion_runs.add(run.run_id, run)
    ws.record_event(
        Action.SUGGESTIONS_STARTED,
        actor=caller.actor,
        subject=show("sgr", run.run_id),
        request_id=caller.request_id,
        detail={"rule_set": run.rule_set[:16]},
    )
    return run


def wants_of_note(command: NoteSuggesting, ws: WorkingSet, env: Env) -> bool:
    ws.suggestion_runs.want(command.run.run_id)
    return True


def note(command: NoteSuggesting, ws: WorkingSet, env: Env) -> Done | Refused:
    """The run is alive, and this far."""
    if not _is_running(command.run, ws):
        return _over(command.run)
    ws.suggestion_runs.keep(command.run.run_id, replace(command.run, seen_at=ws.now))
    return Done()


def wants_of_end(command: EndSuggesting, ws: WorkingSet, env: Env) -> bool:
    ws.suggestion_runs.want(command.run.run_id)
    return True


def end(command: EndSuggesting, ws: WorkingSet, env: Env) -> Done | Refused:
    if not _is_running(command.run, ws):
        return _over(command.run)
    run = replace(command.run, seen_at=ws.now, ended_at=ws.now)
    ws.suggestion_runs.keep(run.run_id, run)
    ws.record_event(
        Action.SUGGESTIONS_ENDED,
        outcome=run.state,
        actor=command.caller.actor,
        subject=show("sgr", run.run_id),
        request_id=command.caller.request_id,
        reason=run.failure,
        detail={
            "records": run.records,
            "candidates": run.candidates,
            "found": run.found,
            "opened": run.opened,
            "labels": run.labels,
            "model": run.model,
            "data": run.data,
        },
    )
    return Done()


def _is_running(run: SuggestionRun, ws: WorkingSet) -> bool:
    known = ws.suggestion_runs[run.run_id]
    return known is not None and known.state == "running"


def _over(run: SuggestionRun) -> Refused:
    return Refused("run_over", f"{show('sgr', run.run_id)} runs no more.")


def wants(command: Suggest, ws: WorkingSet, env: Env) -> bool:
    pair = command.suggestion.record_a, command.suggestion.record_b
    ws.suggestions.want(pair)
    ws.suggestion_runs.want(command.suggestion.run_id)
    if not ws.homes.want_all(pair):
        return False
    ws.profiles.want_all([home for record in pair if (home := ws.homes[record]) is not None])
    return True


def suggest(command: Suggest, ws: WorkingSet, env: Env) -> Done:
    found = command.suggestion
    run = ws.suggestion_runs[found.run_id]
    if run is None or run.state != "running":
        return Done(changed=False)
    homes = [ws.homes[record] for record in (found.record_a, found.record_b)]
    if homes[0] is None or homes[1] is None or homes[0] == homes[1]:
        return Done(changed=False)
    one, other = ws.profile(homes[0]), ws.profile(homes[1])
    if cannot_pin(ws, one, other) is not None:
        return Done(changed=False)
    proposal = ReviewProposal(one.profile_id, other.profile_id, command.reason, "", command.types)
    if not open_review(ws, env.rules, proposal):
        return Done(changed=False)
    item = ws.reviews[min(homes[0], homes[1]), max(homes[0], homes[1])]
    _keep(replace(found, review_id=item.review_id), ws)
    ws.suggestion_runs.keep(run.run_id, replace(run, opened=run.opened + 1, seen_at=ws.now))
    ws.record_event(
        Action.IDENTITY_REVIEW,
        outcome="review",
        actor=command.caller.actor,
        profile=show("prf", item.profile_a),
        subject=show("rev", item.review_id),
        request_id=command.caller.request_id,
        reason=command.reason,
        detail={
            "records": [show("rec", found.record_a), show("rec", found.record_b)],
            "suggested_by": show("sgr", found.run_id),
            "certainty": found.certainty,
            "levels": list(command.types),
        },
    )
    return Done()


def _keep(suggestion: Suggestion, ws: WorkingSet) -> None:
    ws.suggestions.keep((suggestion.record_a, suggestion.record_b), suggestion)
