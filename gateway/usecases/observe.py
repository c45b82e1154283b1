"""Identity: from a customer id and evidence to one profile, with every change that the decision makes (RESOLVE, ATTACH, MERGE).

`rules.online.resolve` decides. This module carries its decision out on the working set, with an audit event for each change.
"""

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from gateway.audit.event import Action, DecisionDetail, StatedValue
from gateway.audit.pseudonym import mask
from gateway.ids import show
from gateway.model import SEEN_PRECISION, Caller, CustomerRecord, Resolution
from gateway.usecases.canonical import canonical_ids, wants_of_canonical_id
from gateway.usecases.detach import request_regrouping
from gateway.usecases.env import Env
from gateway.usecases.merge import join, open_review
from gateway.workingset import WorkingSet
from rules.confirmation import RecordAttributes
from rules.decision import Decision, Step
from rules.identifier import Evidence, Identifier
from rules.online.evidence import teaches_nothing
from rules.online.resolve import resolve
from rules.policy import MOST_RELATED
from rules.record import Key, KeyState, Observation, Profile

_ACTIONS = {
    "created": Action.IDENTITY_CREATED,
    "attached": Action.IDENTITY_ATTACHED,
    "merged": Action.IDENTITY_MERGED,
    "review": Action.IDENTITY_REVIEW,
    "refused": Action.IDENTITY_REFUSED,
}


def wants_of_identity(
    caller: Caller,
    customer_id: str,
    evidence: tuple[Evidence, ...],
    ws: WorkingSet,
    env: Env,
    *,
    may_create: bool,
    claims: bool = False,
) -> bool:
    """Ask for what `observe` needs: first the record, then, unless the evidence teaches nothing new, its keys, then every profile
    that they lead to. With `claims`, the record's claims as well. True: nothing more will be needed."""
    place = (caller.id_space, customer_id)
    if not ws.records.want(place):
        return False
    record = ws.records[place]
    if record is not None:
        if claims:
            ws.claims.want(record.record_id)
        if teaches_nothing(ws.ownership, env.policy, record, evidence):
            return True
        ws.profiles.want(record.profile_id)
    elif may_create:
        wants_of_canonical_id(caller.id_space, customer_id, ws, env)
    valid = [item.identifier for item in evidence if item.status != "invalid"]
    if not ws.keys.want_all(valid):
        return False
    complete = True
    for key in map(ws.key, valid):
        if key.owner is not None:
            ws.profiles.want(key.owner)
        complete &= wants_of_holders(key, ws, env)
    if env.policy.compares_attributes:
        complete = _wants_of_attributes(record, evidence, ws) and complete
    return complete


def _wants_of_attributes(
    record: CustomerRecord | None, evidence: tuple[Evidence, ...], ws: WorkingSet
) -> bool:
    """The attributes that a rule compares to confirm a match: those of every record of every candidate."""
    keys = [ws.key(item.identifier) for item in evidence if item.status != "invalid"]
    profile_ids = {
        profile_id for key in keys for profile_id in (key.owner, *key.profiles) if profile_id is not None
    }
    if record is not None:
        profile_ids.add(record.profile_id)
    loaded = [ws.profiles[profile_id] for profile_id in profile_ids if profile_id in ws.profiles]
    for profile in loaded:
        for record_id in profile.records:
            ws.attributes.want(record_id)
    return len(loaded) == len(profile_ids)


def wants_of_holders(key: Key, ws: WorkingSet, env: Env) -> bool:
    """A rule may concern a profile that holds a key without owning it: one that holds several together, or one to ask about. From a
    value with more holders than a person is asked about, a call only follows the owner. A fan-out that is counted
    inside a window needs the ages of the holders. Neither is looked up if the owner has all the keys."""
    if key.holders == 0:
        return True
    since = env.policy.holders_since(key.identifier.type, ws.now)
    if since is None or key.state != "normal" or key.holders > MOST_RELATED:
        return True
    if key.identifier not in ws.holders:
        if key.owner is None:
            ws.holders.want_since(key.identifier, since)
            return False
        if key.holders > 1 or since > 0:
            if not ws.profiles.want(key.owner):
                return False
            records = ws.profiles[key.owner].records.values()
            seen = [one.observations[key.identifier] for one in records if key.identifier in one.observations]
            if len(seen) < key.holders:
                ws.holders.want_since(key.identifier, since)
                return False
            key.aged = sum(one.last_seen < since for one in seen)
        key.profiles = (key.owner,)
        ws.holders.put(key.identifier, since)
    for profile_id in key.profiles:
        ws.profiles.want(profile_id)
    return True


def observe(
    caller: Caller,
    customer_id: str,
    evidence: tuple[Evidence, ...],
    ws: WorkingSet,
    env: Env,
    *,
    may_create: bool,
    guest: bool = False,
    attributes: Mapping[str, Any] = {},
) -> Resolution | None:
    """Resolve, and carry the decision out. None: there is no profile, and none may be created; nothing was changed.

    A second run with the same input only changes `last_seen`, at most once a day.
    """
    known = ws.record(caller.id_space, customer_id)
    if known is not None and teaches_nothing(ws.ownership, env.policy, known, evidence):
        _see_again(ws, known, evidence)
        return Resolution(known.profile_id, known.record_id, "attached", "known")
    decision = resolve(
        ws,
        env.policy,
        id_space=caller.id_space,
        customer_id=customer_id,
        evidence=evidence,
        now=ws.now,
        may_create=may_create,
        attributes=_texts(attributes) if env.policy.compares_attributes else None,
        stored_attributes=stored_attributes(ws, env),
    )
    if decision is None or (known is None and not decision.enforced and not may_create):
        return None
    return _Carrying(caller, customer_id, ws, env, decision).out(known, guest)


def _texts(values: Mapping[str, Any]) -> dict[str, str]:
    return {name: value for name, value in values.items() if isinstance(value, str)}


def stored_attributes(ws: WorkingSet, env: Env) -> RecordAttributes | None:
    """What each record says that rules compare; None if they compare nothing."""
    kinds = env.policy.kinds

    def texts(record_id: int) -> dict[str, str]:
        stored = ws.attributes[record_id]
        return _texts({name: msgspec.json.decode(stored[name]) for name in kinds.keys() & stored.keys()})

    return texts if kinds else None


def _see_again(ws: WorkingSet, record: CustomerRecord, evidence: Iterable[Evidence]) -> None:
    for item in evidence:
        seen = record.observations.get(item.identifier)
        if seen is not None and abs(ws.now - seen.last_seen) > SEEN_PRECISION:
            seen.last_seen = ws.now
            ws.touch_last_seen(record, seen)


def unusable(evidence: Iterable[Evidence], env: Env) -> dict[str, Any]:
    """For an audit event's detail: the values that could not be read, as pseudonyms with the reason."""
    found = [
        pseudonym(item.identifier, env) | {"reason": item.reason}
        for item in evidence
        if item.status == "invalid"
    ]
    return {"unusable": found} if found else {}


def pseudonym(identifier: Identifier, env: Env) -> dict[str, str]:
    kind, value = identifier
    return {"type": kind, "hmac": env.pseudonyms.of(kind, value), "mask": mask(kind, value)}


class _Carrying:
    """One decision being carried out."""

    __slots__ = ("caller", "customer_id", "decision", "env", "ws")

    def __init__(
        self, caller: Caller, customer_id: str, ws: WorkingSet, env: Env, decision: Decision
    ) -> None:
        self.caller = caller
        self.customer_id = customer_id
        self.ws = ws
        self.env = env
        self.decision = decision

    def out(self, record: CustomerRecord | None, guest: bool) -> Resolution:
        decision, ws = self.decision, self.ws
        profile = self._home(record)
        news = record is None or bool(decision.own)
        was_known = record is not None
        if record is None:
            record = ws.create_record(profile, self.caller.id_space, self.customer_id, guest)
        if decision.enforced and (decision.absorbed or decision.taken or decision.dropped):
            self._join(profile)
            self._move_keys(profile)
            news = True
        news |= self._store_evidence(record, was_known=was_known)
        self._assign_keys(profile)
        if decision.enforced and decision.reviews:
            news |= self._open_reviews(profile)
        if news and decision.outcome != "created" and ws.leave_questions(profile.profile_id):
            request_regrouping(ws, "profile", "evidence", profile_id=profile.profile_id)
        if news:
            ws.touch_profile(profile)
            self._record_decision(profile, record)
        return Resolution(
            profile.profile_id, record.record_id, decision.outcome, decision.rule, decision.warnings
        )

    def _home(self, record: CustomerRecord | None) -> Profile:
        decision, ws = self.decision, self.ws
        if not decision.enforced and record is not None:
            return ws.profile(record.profile_id)
        if decision.profile_id is None or not decision.enforced:
            if record is not None:
                return ws.profile(record.profile_id)
            return ws.create_profile(canonical_ids(self.caller.id_space, self.customer_id, self.env))
        return ws.profile(decision.profile_id)

    def _join(self, profile: Profile) -> None:
        ws, decision = self.ws, self.decision
        for one in decision.absorbed:
            join(ws, profile, ws.profile(one), self.caller, rule=decision.rule, rules=self.env.rules)

    def _move_keys(self, profile: Profile) -> None:
        """Call it before the evidence is stored: the values of this call are live, even if the same value is retired here."""
        for identifier, old_owner in self.decision.taken:
            self._retire(self.ws.profiles[old_owner], identifier)
            self.ws.own(identifier, profile)
            self._note_identifier(Action.IDENTIFIER_TAKEN, identifier, profile, show("prf", old_owner))
        for identifier in self.decision.dropped:
            self._retire(profile, identifier)
            self._disown(identifier, "normal")

    def _store_evidence(self, record: CustomerRecord, *, was_known: bool) -> bool:
        """Whether any of it was new; another sighting of a known value is not. A value that was claimed before is stated now."""
        ws, news = self.ws, False
        now, observations = ws.now, record.observations
        for identifier, status, _, verified in self.decision.evidence:
            blocked = status == "blocked"
            seen = observations.get(identifier)
            if seen is None:
                news = True
                seen = observations[identifier] = Observation(
                    identifier, now, now, verified, blocked, source=self.caller.source
                )
                ws.hold(identifier, record)
                if was_known:
                    ws.drop_claim(record, identifier)
            else:
                news |= (verified and not seen.verified) or seen.blocked != blocked
                seen.last_seen, seen.blocked, seen.retired = now, blocked, False
                seen.verified |= verified
            ws.touch_observation(record, seen)
        return news

    def _assign_keys(self, profile: Profile) -> None:
        for identifier in self.decision.own:
            self.ws.own(identifier, profile)
        for identifier in self.decision.generic:
            self._disown(identifier, "generic")
            self._note_identifier(Action.IDENTIFIER_GENERIC, identifier, profile, "fanout_limit")
            request_regrouping(self.ws, "value", "generic", identifier=identifier)
        for identifier in self.decision.shared:
            self._disown(identifier, "shared")
            self._note_identifier(Action.IDENTIFIER_SHARED, identifier, profile, "max_profiles")
            request_regrouping(self.ws, "value", "shared", identifier=identifier)

    def _disown(self, identifier: Identifier, state: KeyState) -> None:
        key = self.ws.key(identifier)
        key.state, key.owner = state, None
        self.ws.touch_key(key)

    def _retire(self, profile: Profile, identifier: Identifier) -> None:
        for record in profile.records.values():
            seen = record.observations.get(identifier)
            if seen is not None and not seen.retired:
                seen.retired = True
                self.ws.touch_observation(record, seen)
        if len(profile.records) > 1:
            request_regrouping(self.ws, "profile", "retired", profile_id=profile.profile_id)

    def _open_reviews(self, profile: Profile) -> bool:
        opened = False
        for proposal in self.decision.reviews:
            other = proposal.profile_b if proposal.profile_b is not None else profile.profile_id
            opened |= open_review(self.ws, self.env.rules, proposal._replace(profile_b=other))
        if opened and self.decision.outcome != "review":
            self.ws.note_happened(
                "reviews", self.caller.channel, self.env.rules.sha256[:16], self.decision.rule
            )
        return opened

    def _note_identifier(self, action: Action, identifier: Identifier, profile: Profile, reason: str) -> None:
        self.ws.record_event(
            action,
            channel=self.caller.channel,
            actor=self.caller.actor,
            profile=show("prf", profile.profile_id),
            request_id=self.caller.request_id,
            reason=reason,
            detail=pseudonym(identifier, self.env),
        )

    def _record_decision(self, profile: Profile, record: CustomerRecord) -> None:
        decision, of = self.decision, self.env.pseudonyms.of
        shown = show("prf", profile.profile_id)
        detail = DecisionDetail(
            decision=decision.outcome,
            rule=decision.rule,
            rule_set=self.env.rules.sha256[:16],
            id_space=self.caller.id_space,
            evidence=[
                StatedValue(kind, of(kind, value), mask(kind, value), status, reason)
                for (kind, value), status, reason, _ in decision.evidence
            ],
            absorbed=[show("prf", one) for one in decision.absorbed],
            trace=_trace(decision.trace, {None: "", profile.profile_id: shown}),
            source=self.caller.source,
        )
        self.ws.record_event(
            _ACTIONS[decision.outcome] if decision.enforced else Action.IDENTITY_SHADOW,
            outcome=decision.outcome,
            channel=self.caller.channel,
            actor=self.caller.actor,
            profile=shown,
            subject=show("rec", record.record_id),
            request_id=self.caller.request_id,
            reason=decision.reason,
            detail=detail,
        )


def _trace(steps: Iterable[Step], shown: dict[int | None, str]) -> list[tuple[str, str, str, str]]:
    """`shown` has the ids of profiles as text, if they were made already."""
    for step in steps:
        if step.profile_id is not None and step.profile_id not in shown:
            shown[step.profile_id] = show("prf", step.profile_id)
    return [(what, shown[profile_id], result, detail) for what, profile_id, result, detail in steps]
