"""Suggestions: a search runs beside the gateway, on a snapshot, and proposes pairs of records. Each becomes a question here, unless
the two are on one profile by now, are pinned apart, or were asked about before with the same evidence. So what a person rejected
stays rejected until something new speaks for it."""

from msgspec.structs import replace

from gateway.audit.event import Action
from gateway.ids import show
from gateway.model import (
    Done,
    EndSearch,
    NoteSearch,
    Refused,
    Search,
    StartSearch,
    Suggest,
    Suggestion,
)
from gateway.usecases.env import Env
from gateway.usecases.merge import cannot_pin, open_review
from gateway.workingset import WorkingSet
from rules.decision import ReviewProposal


def wants_nothing(command: StartSearch, ws: WorkingSet, env: Env) -> bool:
    return True


def start(command: StartSearch, ws: WorkingSet, env: Env) -> Search:
    caller = command.caller
    search = Search(
        ws.next_id(), "running", "waiting", caller.actor, ws.now, ws.now, rule_set=command.rule_set
    )
    ws.searches.add(search.search_id, search)
    ws.record_event(
        Action.SEARCH_STARTED,
        actor=caller.actor,
        subject=show("srh", search.search_id),
        request_id=caller.request_id,
        detail={"rule_set": search.rule_set[:16]},
    )
    return search


def wants_of_note(command: NoteSearch, ws: WorkingSet, env: Env) -> bool:
    ws.searches.want(command.search.search_id)
    return True


def note(command: NoteSearch, ws: WorkingSet, env: Env) -> Done | Refused:
    """The search is alive, and this far."""
    if not _is_running(command.search, ws):
        return _over(command.search)
    ws.searches.keep(command.search.search_id, replace(command.search, seen_at=ws.now))
    return Done()


def wants_of_end(command: EndSearch, ws: WorkingSet, env: Env) -> bool:
    ws.searches.want(command.search.search_id)
    return True


def end(command: EndSearch, ws: WorkingSet, env: Env) -> Done | Refused:
    if not _is_running(command.search, ws):
        return _over(command.search)
    search = replace(command.search, seen_at=ws.now, ended_at=ws.now)
    ws.searches.keep(search.search_id, search)
    ws.record_event(
        Action.SEARCH_ENDED,
        outcome=search.state,
        actor=command.caller.actor,
        subject=show("srh", search.search_id),
        request_id=command.caller.request_id,
        reason=search.failure,
        detail={
            "records": search.records,
            "candidates": search.candidates,
            "found": search.found,
            "opened": search.opened,
            "labels": search.labels,
            "model": search.model,
            "data": search.data,
        },
    )
    return Done()


def _is_running(search: Search, ws: WorkingSet) -> bool:
    known = ws.searches[search.search_id]
    return known is not None and known.state == "running"


def _over(search: Search) -> Refused:
    return Refused("search_over", f"{show('srh', search.search_id)} is over.")


def wants(command: Suggest, ws: WorkingSet, env: Env) -> bool:
    pair = command.suggestion.record_a, command.suggestion.record_b
    ws.suggestions.want(pair)
    ws.searches.want(command.suggestion.search_id)
    if not ws.homes.want_all(pair):
        return False
    ws.profiles.want_all([home for record in pair if (home := ws.homes[record]) is not None])
    return True


def suggest(command: Suggest, ws: WorkingSet, env: Env) -> Done:
    found = command.suggestion
    search = ws.searches[found.search_id]
    if search is None or search.state != "running":
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
    ws.searches.keep(search.search_id, replace(search, opened=search.opened + 1, seen_at=ws.now))
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
            "suggested_by": show("srh", found.search_id),
            "certainty": found.certainty,
            "levels": list(command.types),
        },
    )
    return Done()


def _keep(suggestion: Suggestion, ws: WorkingSet) -> None:
    ws.suggestions.keep((suggestion.record_a, suggestion.record_b), suggestion)
