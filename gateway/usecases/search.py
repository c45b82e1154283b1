"""Searches: one runs beside the gateway, on a snapshot, and proposes pairs of records. Each becomes a question here, unless
the two are on one profile by now, are pinned apart, or were asked about before with the same evidence. So what a person rejected
stays rejected until something new speaks for it."""

import msgspec
from msgspec.structs import replace

from gateway.audit.event import Action
from gateway.clock import MINUTE
from gateway.ids import show
from gateway.model import (
    Done,
    EndSearch,
    MergeScored,
    NoteSearch,
    PinRow,
    Refused,
    Search,
    StartSearch,
    Suggest,
    Suggestion,
    is_of_a_search,
)
from gateway.usecases.env import Env
from gateway.usecases.merge import cannot_pin, join, note_pin, open_review
from gateway.workingset import WorkingSet
from rules.decision import ReviewProposal
from rules.record import Profile
from rules.score_merge import RULE, birthdays, what_keeps_apart
from rules.survivor import survivor

ITSELF = "gateway"
"""Merges by a score: no person did."""
DEAD_AFTER = MINUTE
"""A search that was not seen running for so long has died."""


def wants_of_start(command: StartSearch, ws: WorkingSet, env: Env) -> bool:
    return ws.live_searches.want(ws.now - DEAD_AFTER)


def start(command: StartSearch, ws: WorkingSet, env: Env) -> Search | Refused:
    caller, rival = command.caller, ws.live_searches[ws.now - DEAD_AFTER]
    if rival is not None:
        name = show("srh", rival.search_id)
        return Refused("search_running", f"{name} is under way; wait until it is done.")
    search = Search(
        ws.next_id(),
        "running",
        "waiting",
        caller.actor,
        ws.now,
        ws.now,
        rule_set=command.rule_set,
        dry=command.dry,
    )
    ws.searches.add(search.search_id, search)
    ws.live_searches.put(ws.now - DEAD_AFTER, search)
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
            "merged": search.merged,
            "dry": search.dry,
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
    sides = _sides(found, ws)
    if sides is None or cannot_pin(ws, *sides) is not None:
        return Done(changed=False)
    one, other = sides
    proposal = ReviewProposal(one.profile_id, other.profile_id, command.reason, "", command.types)
    if not open_review(ws, env.rules, proposal):
        return Done(changed=False)
    item = ws.reviews[_pair(one, other)]
    _keep(replace(found, review_id=item.review_id), ws)
    _count(found, ws, opened=1)
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


def _sides(found: Suggestion, ws: WorkingSet) -> tuple[Profile, Profile] | None:
    """The two profiles, if the search still runs and they are two."""
    search = ws.searches[found.search_id]
    if search is None or search.state != "running":
        return None
    homes = [ws.homes[record] for record in (found.record_a, found.record_b)]
    if homes[0] is None or homes[1] is None or homes[0] == homes[1]:
        return None
    return ws.profile(homes[0]), ws.profile(homes[1])


def _pair(one: Profile, other: Profile) -> tuple[int, int]:
    return min(one.profile_id, other.profile_id), max(one.profile_id, other.profile_id)


def _count(found: Suggestion, ws: WorkingSet, *, opened: int = 0, merged: int = 0) -> None:
    search = ws.searches[found.search_id]
    if search is not None:
        counted = replace(
            search, opened=search.opened + opened, merged=search.merged + merged, seen_at=ws.now
        )
        ws.searches.keep(search.search_id, counted)


def wants_of_merge(command: MergeScored, ws: WorkingSet, env: Env) -> bool:
    if not wants(command.question, ws, env):
        return False
    found = command.question.suggestion
    homes = [home for record in (found.record_a, found.record_b) if (home := ws.homes[record]) is not None]
    if not ws.profiles.want_all(homes):
        return False
    return ws.attributes.want_all([record for home in homes for record in ws.profile(home).records])


def merge_scored(command: MergeScored, ws: WorkingSet, env: Env) -> Done:
    """`Done.changed` is False if a question was asked instead, or nothing done."""
    question, found = command.question, command.question.suggestion
    sides = _sides(found, ws)
    if sides is None:
        return Done(changed=False)
    if _is_in_doubt_by_new_rules(found, ws, env) or _may_not_merge(*sides, ws, env):
        suggest(question, ws, env)
        return Done(changed=False)
    caller = replace(question.caller, actor=ITSELF)
    winner = survivor(env.rules, sides)
    loser = sides[1] if winner is sides[0] else sides[0]
    row = join(ws, winner, loser, caller, rule=RULE, rules=env.rules)
    ws.touch_profile(winner)
    pin = PinRow(found.record_a, found.record_b, "must", None, ITSELF, RULE, ws.now)
    ws.set_pin(pin)
    note_pin(ws, env, Action.PIN_SET, pin, caller, winner.profile_id, RULE)
    _keep(replace(found, merge_id=row.merge_id), ws)
    _count(found, ws, merged=1)
    ws.record_event(
        Action.IDENTITY_MERGED,
        outcome="merged",
        actor=ITSELF,
        profile=show("prf", winner.profile_id),
        subject=show("mrg", row.merge_id),
        request_id=caller.request_id,
        reason=RULE,
        detail={
            "absorbed": [show("prf", loser.profile_id)],
            "records": [show("rec", found.record_a), show("rec", found.record_b)],
            "search": show("srh", found.search_id),
            "certainty": found.certainty,
            "version": command.version,
            "model": command.model,
            "data": command.data,
            "weights": [[one.what, one.level, one.weight] for one in found.comparisons],
        },
    )
    return Done()


def _is_in_doubt_by_new_rules(found: Suggestion, ws: WorkingSet, env: Env) -> bool:
    """Whether rules that were activated while the search ran ask for more certainty. It was rounded to what is stored."""
    search = ws.searches[found.search_id]
    same_rules = search is not None and search.rule_set == env.rules.sha256
    return not same_rules and found.certainty - 0.5 < env.rules.suggest.merge_at * 10_000


def _may_not_merge(one: Profile, other: Profile, ws: WorkingSet, env: Env) -> bool:
    """A person is asked about the two because of a rule, or something that outranks a score keeps them apart."""
    item = ws.review_of(_pair(one, other))
    if item is not None and item.state == "open" and not is_of_a_search(item.reason):
        return True
    if env.rules.suggest.outcome != "merge":
        return True
    stopped = what_keeps_apart(
        one,
        other,
        env.policy,
        pins=list(ws.pins([*one.records, *other.records])),
        balances=(ws.balance(one.profile_id), ws.balance(other.profile_id)),
        attributes=lambda record_id: _birthdays(record_id, ws, env),
        now=ws.now,
    )
    return bool(stopped)


def _birthdays(record_id: int, ws: WorkingSet, env: Env) -> dict[str, str]:
    stored = ws.attributes[record_id]
    said = {name: msgspec.json.decode(stored[name]) for name in birthdays(env.rules) if name in stored}
    return {name: value for name, value in said.items() if isinstance(value, str)}


def _keep(suggestion: Suggestion, ws: WorkingSet) -> None:
    ws.suggestions.keep((suggestion.record_a, suggestion.record_b), suggestion)
