"""Identity: from a customer id and evidence to one profile, and everything a decision changes (RESOLVE, ATTACH, MERGE).

The deciding is `rules.resolve`; here its decision is carried out on the working set, with an audit event for each change.
"""

from collections.abc import Iterable
from typing import Any

from gateway.audit.event import Action
from gateway.audit.pseudonym import mask
from gateway.clock import DAY
from gateway.ids import show
from gateway.model import Caller, CustomerRecord, Dedup, MergeRow, Resolution, ReviewItem
from gateway.usecases.env import Env
from gateway.workingset import Needs, WorkingSet
from rules.decision import Decision, ReviewProposal
from rules.identifier import Evidence, Identifier
from rules.record import KeyState, Observation, Profile
from rules.resolve import resolve, teaches_nothing

_ACTIONS = {
    "created": Action.IDENTITY_CREATED,
    "attached": Action.IDENTITY_ATTACHED,
    "merged": Action.IDENTITY_MERGED,
    "review": Action.IDENTITY_REVIEW,
    "refused": Action.IDENTITY_REFUSED,
}
_SEEN_PRECISION = DAY


def needs_of_identity(
    caller: Caller, customer_id: str, evidence: tuple[Evidence, ...], ws: WorkingSet, env: Env, needs: Needs
) -> bool:
    """Ask for what `observe` needs: first the record and the keys of the evidence, then, unless that teaches nothing
    new, every profile they lead to. True: nothing more will be needed."""
    place = (caller.id_space, customer_id)
    if place not in ws.records:
        needs.record(*place)
        for item in evidence:
            if item.status != "invalid":
                needs.key(item.identifier)
        return False
    record = ws.records[place]
    if record is not None:
        if teaches_nothing(ws, env.rules, record, evidence):
            return True
        needs.profile(record.profile_id)
    for item in evidence:
        if item.status != "invalid" and (owner := ws.key(item.identifier).owner) is not None:
            needs.profile(owner)
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
) -> Resolution | None:
    """Resolve and carry the decision out. None: no profile, and none may be created; nothing was changed.

    Running it twice with the same input changes nothing the second time but `last_seen`, and that once a day.
    """
    known = ws.record(caller.id_space, customer_id)
    if known is not None and teaches_nothing(ws, env.rules, known, evidence):
        _see_again(ws, known, evidence)
        return Resolution(known.profile_id, known.record_id, "attached", "known")
    decision = resolve(
        ws,
        env.rules,
        id_space=caller.id_space,
        customer_id=customer_id,
        evidence=evidence,
        now=ws.now,
        may_create=may_create,
    )
    if decision is None or (known is None and not decision.enforced and not may_create):
        return None
    return _Carrying(caller, customer_id, ws, env, decision).out(known, guest)


def _see_again(ws: WorkingSet, record: CustomerRecord, evidence: Iterable[Evidence]) -> None:
    for item in evidence:
        seen = record.observations.get(item.identifier)
        if seen is not None and ws.now - seen.last_seen > _SEEN_PRECISION:
            seen.last_seen = ws.now
            ws.touch_observation(record, seen)


def unusable(evidence: Iterable[Evidence], env: Env) -> dict[str, Any]:
    """For an audit event's detail: what was said of a person and could not be read, as pseudonyms with the reason."""
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
        news = record is None or bool(decision.own or decision.taken or decision.absorbed or decision.reviews)
        if record is None:
            record = ws.create_record(profile, self.caller.id_space, self.customer_id, guest)
        if decision.absorbed and decision.enforced:
            survivor = ws.profile(decision.profile_id or profile.profile_id)
            self._merge(survivor, [ws.profile(p) for p in decision.absorbed])
            profile = survivor
        news |= self._store_evidence(record)
        if decision.enforced:
            self._settle_keys(profile)
        opened = self._open_reviews(profile)
        if news or opened:
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
            return ws.create_profile(self.caller.id_space, self.customer_id)
        return ws.profile(decision.profile_id)

    def _merge(self, survivor: Profile, absorbed: list[Profile]) -> None:
        for loser in absorbed:
            self._note_merge(survivor, loser)
            for record in list(loser.records.values()):
                record.profile_id = survivor.profile_id
                survivor.records[record.record_id] = record
                self.ws.touch_record(self.ws.by_record_id[record.record_id])
                for identifier in record.observations:
                    key = self.ws.key(identifier)
                    if key.owner == loser.profile_id:
                        key.owner = survivor.profile_id
                        self.ws.touch_key(key)
            loser.records.clear()
            loser.redirect_to = survivor.profile_id
            self.ws.changes.absorbed.append((loser.profile_id, survivor.profile_id))
            self.ws.balances[survivor.profile_id] = self.ws.balance(survivor.profile_id) + self.ws.balance(
                loser.profile_id
            )
            self.ws.touch_profile(loser)
            self._join_windows(survivor.profile_id, loser.profile_id)
            self._close_reviews(survivor, loser)

    def _note_merge(self, survivor: Profile, loser: Profile) -> None:
        self.ws.changes.merges.append(
            MergeRow(
                merge_id=self.ws.next_id(),
                survivor_id=survivor.profile_id,
                absorbed_id=loser.profile_id,
                survivor_records=tuple(sorted(survivor.records)),
                absorbed_records=tuple(sorted(loser.records)),
                rule=self.decision.rule,
                rule_set=self.env.rules.sha256,
                actor=self.caller.actor,
                request_id=self.caller.request_id,
                merged_at=self.ws.now,
            )
        )

    def _join_windows(self, survivor_id: int, loser_id: int) -> None:
        for campaign_id, window in self.ws.windows_of(loser_id):
            mine = self.ws.window(survivor_id, campaign_id)
            if mine is None or mine.expires_at < window.expires_at:
                joined = Dedup(window.achievement_id, window.accepted_at, window.expires_at)
                self.ws.set_window(survivor_id, campaign_id, joined)
            self.ws.drop_window(loser_id, campaign_id)

    def _close_reviews(self, survivor: Profile, loser: Profile) -> None:
        """The question inside the pair is answered by the merge; the loser's other questions become the survivor's."""
        for pair, item in list(self.ws.reviews.items()):
            if loser.profile_id not in pair or item.state != "open":
                continue
            other = pair[0] if pair[1] == loser.profile_id else pair[1]
            item.state = "accepted" if other == survivor.profile_id else "stale"
            item.closed_at, item.closed_by = self.ws.now, f"merge:{self.decision.rule}"
            self.ws.changes.reviews[item.review_id] = item
            if item.state == "stale":
                self._open_review(
                    ReviewProposal(survivor.profile_id, other, item.reason, item.rule, item.types)
                )

    def _store_evidence(self, record: CustomerRecord) -> bool:
        news = False
        for item in self.decision.evidence:
            seen = record.observations.get(item.identifier)
            if seen is None:
                seen = Observation(
                    item.identifier, self.ws.now, self.ws.now, item.verified, item.status == "blocked"
                )
                record.observations[item.identifier] = seen
                key = self.ws.key(item.identifier)
                key.holders += 1
                self.ws.touch_key(key)
            elif seen.last_seen == self.ws.now and (seen.verified or not item.verified) and not seen.retired:
                continue
            else:
                news |= item.verified and not seen.verified
                seen.last_seen = self.ws.now
                seen.verified |= item.verified
                seen.retired = False
                self.ws.touch_observation(record, seen)
                continue
            news = True
            self.ws.touch_observation(record, seen)
        return news

    def _settle_keys(self, profile: Profile) -> None:
        for identifier, old_owner in self.decision.taken:
            self._retire(self.ws.profile(old_owner), identifier)
            self._own(identifier, profile)
            self._note_key(Action.KEY_TAKEN, identifier, profile, show("prf", old_owner))
        for identifier in self.decision.own:
            self._own(identifier, profile)
        for identifier in self.decision.generic:
            self._disown(identifier, "generic")
            self._note_key(Action.KEY_GENERIC, identifier, profile, "fanout_limit")
        for identifier in self.decision.shared:
            self._disown(identifier, "shared")
            self._note_key(Action.KEY_SHARED, identifier, profile, "max_profiles")

    def _own(self, identifier: Identifier, profile: Profile) -> None:
        key = self.ws.key(identifier)
        key.owner = profile.profile_id
        self.ws.touch_key(key)

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

    def _open_reviews(self, profile: Profile) -> bool:
        opened = False
        for proposal in self.decision.reviews:
            other = proposal.profile_b if proposal.profile_b is not None else profile.profile_id
            opened |= self._open_review(proposal._replace(profile_b=other))
        return opened

    def _open_review(self, proposal: ReviewProposal) -> bool:
        a, b = proposal.profile_a, proposal.profile_b
        if b is None or (pair := (min(a, b), max(a, b))) in self.ws.reviews or a == b:
            return False
        item = ReviewItem(
            self.ws.next_id(), *pair, "open", proposal.reason, proposal.rule, proposal.types, self.ws.now
        )
        self.ws.reviews[pair] = item
        self.ws.changes.reviews[item.review_id] = item
        return True

    def _note_key(self, action: Action, identifier: Identifier, profile: Profile, reason: str) -> None:
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
        decision = self.decision
        action = _ACTIONS[decision.outcome] if decision.enforced else Action.IDENTITY_SHADOW
        detail: dict[str, Any] = {
            "decision": decision.outcome,
            "rule": decision.rule,
            "rule_set": self.env.rules.sha256[:16],
            "id_space": self.caller.id_space,
            "evidence": [
                pseudonym(e.identifier, self.env) | {"status": e.status, "reason": e.reason}
                for e in decision.evidence
            ],
            "absorbed": [show("prf", p) for p in decision.absorbed],
            "trace": [
                [s.what, show("prf", s.profile_id) if s.profile_id else "", s.result, s.detail]
                for s in decision.trace
            ],
        }
        self.ws.record_event(
            action,
            outcome=decision.outcome,
            channel=self.caller.channel,
            actor=self.caller.actor,
            profile=show("prf", profile.profile_id),
            subject=show("rec", record.record_id),
            request_id=self.caller.request_id,
            reason=decision.reason,
            detail=detail,
        )
