"""REGROUP: profiles become what the rules make of their records now, by the definition (`rules.batch.partition`).

It follows what cannot be decided call by call: a value that turned out to belong to many people, or new rules for all profiles.
First, profiles are split, as `conflict.resplit` says. Then what belongs together is joined, and questions for an operator are
opened. Pins outrank all of it. Doing a component again changes nothing. A component that many parts leave is done in several
steps, so that calls are decided between them; the cursor stays before it until the last step. Any other component is done whole or
not at all.
"""

from collections.abc import Iterable, Iterator

from msgspec.structs import replace

from gateway.audit.event import Action
from gateway.clock import SECOND
from gateway.ids import show
from gateway.model import (
    JOINS_TOO_MANY,
    Refused,
    Regroup,
    Regrouped,
    Regrouping,
)
from gateway.usecases.component import (
    ValueStates,
)
from gateway.usecases.env import Env
from gateway.usecases.observe import pseudonym
from gateway.usecases.regroup_apply import ComponentUpdate, Counts
from gateway.usecases.regroup_component import Component
from gateway.workingset import NotLoaded, WorkingSet
from rules.identifier import Identifier

_LEASE = 30 * SECOND
_COUNTED = ("merged", "split", "asked", "points", "skipped")


def wants(command: Regroup, ws: WorkingSet, env: Env) -> bool:
    if not ws.regroupings.want(command.regrouping_id):
        return False
    run = ws.regroupings[command.regrouping_id]
    if run is None or not _may_begin(command, run, ws, env):
        return True
    loaded = [component.wants() for component in _components(command, run, ws, env)]
    if run.scope == "split" and (command.last or env.rules.mode != "enforce"):
        loaded.append(ws.whole_splits.want(run.profile_id))
    return all(loaded)


def regroup(command: Regroup, ws: WorkingSet, env: Env) -> Regrouped | Refused:
    """Look at the next profiles. A command that comes too late, or while another process works on them, changes nothing."""
    run = ws.regroupings[command.regrouping_id]
    if run is None or run.finished_at is not None:
        return Refused("regrouping_over", "There is no such regrouping any more.")
    if not _may_begin(command, run, ws, env):
        if run.cursor == command.after and run.scope == "rules" and run.rule_set != env.rules.sha256:
            return Regrouped(run, waits=True)
        return Refused("regrouping_taken", "Another process works on this regrouping.")
    after = replace(
        run,
        total=max(run.total, command.total),
        held_by=command.worker,
        held_until=ws.now + _LEASE,
        failures=0,
        due_at=0,
    )
    looked = command.profiles
    if env.rules.mode == "enforce":
        skipped: list[Component] = []
        for component in _components(command, run, ws, env):
            counted = _update(component, command)
            after = _sum(after, counted)
            skipped += [component] if counted.skipped else []
            if counted.unfinished:
                looked = command.profiles[: command.profiles.index(component.start)]
                break
        _note_skipped(skipped, command, ws)
    after = replace(after, cursor=max((run.cursor, *looked)), looked=run.looked + len(looked))
    is_whole = len(looked) == len(command.profiles)
    finished = (command.last and is_whole) or env.rules.mode != "enforce"
    after = _keep(after, command, ws, finished=finished)
    return Regrouped(after, {name: getattr(after, name) - getattr(run, name) for name in _COUNTED})


def _may_begin(command: Regroup, run: Regrouping, ws: WorkingSet, env: Env) -> bool:
    if run.scope == "rules" and run.rule_set != env.rules.sha256:
        return False
    free = run.held_by in ("", command.worker) or not ws.now < run.held_until <= ws.now + 2 * _LEASE
    is_over = run.finished_at is not None or run.failed_at is not None
    return not is_over and free and run.cursor == command.after


def _sum(run: Regrouping, counted: Counts) -> Regrouping:
    return replace(run, **{name: getattr(run, name) + getattr(counted, name) for name in _COUNTED})


def _keep(run: Regrouping, command: Regroup, ws: WorkingSet, *, finished: bool) -> Regrouping:
    if not finished:
        ws.keep_regrouping(run)
        return run
    run = replace(run, finished_at=ws.now, held_by="", held_until=0)
    if run.scope == "rules" or run.cause in JOINS_TOO_MANY:
        ws.keep_regrouping(run)
    else:
        ws.forget_regrouping(run)
    if run.scope == "split":
        ws.drop_sides(run.profile_id)
    counts = {name: getattr(run, name) for name in _COUNTED}
    if run.scope == "rules" or any(counts.values()):
        ws.record_event(
            Action.IDENTITY_REGROUPED,
            actor=command.caller.actor,
            request_id=command.caller.request_id,
            reason=run.cause,
            detail={"scope": run.scope, "type": run.type, "looked": run.looked} | counts,
        )
    return run


def _note_skipped(components: Iterable[Component], command: Regroup, ws: WorkingSet) -> None:
    """One event for all profiles that the same value holds together."""
    found: dict[tuple[str, Identifier | None], list[Component]] = {}
    for component in components:
        found.setdefault((component.why_skipped, component.most_held), []).append(component)
    for (why, value), same in found.items():
        profiles = sorted(frozenset[int]().union(*(component.skipped(command) for component in same)))
        held = pseudonym(value, same[0].env) | {"holders": ws.key(value).holders} if value else {}
        ws.record_event(
            Action.IDENTITY_SKIPPED,
            actor=command.caller.actor,
            profile=show("prf", profiles[0]),
            request_id=command.caller.request_id,
            reason=why,
            detail={"cause": same[0].run.cause, "profiles": [show("prf", one) for one in profiles], **held},
        )


def _update(component: Component, command: Regroup) -> Counts:
    """A component that is too large, or reaches too far, is left as it is."""
    if component.why_skipped:
        return Counts(skipped=len(component.skipped(command)))
    if not component.complete:
        raise NotLoaded("components")
    return ComponentUpdate(component, command).apply() if component.core else Counts()


def _components(command: Regroup, run: Regrouping, ws: WorkingSet, env: Env) -> Iterator[Component]:
    """Each component that these profiles are in, once."""
    seen: set[int] = set()
    states = ValueStates(ws, env, by_present_rules=run.scope == "rules")
    for profile_id in command.profiles:
        if profile_id in seen or (
            profile_id in ws.profiles and ws.profiles[profile_id].redirect_to is not None
        ):
            continue
        component = Component(run, ws, env, states, profile_id)
        component.gather()
        seen |= component.core
        yield component
