"""The audit events of a batch, and the words of customers and operators that they are bound to."""

from collections import Counter
from collections.abc import Mapping
from typing import Any

import msgspec

from gateway.audit.event import Action, AuditEvent, DecisionDetail, Words, words_hmac
from gateway.ids import Ids
from gateway.model import Happening
from gateway.workingset.batch_context import BatchContext
from gateway.workingset.collection import Of, Written

_encode = msgspec.json.Encoder(order="sorted").encode
_COUNTED: Mapping[str, str] = {
    Action.IDENTITY_CREATED: "created",
    Action.IDENTITY_ATTACHED: "attached",
    Action.IDENTITY_MERGED: "merged",
    Action.IDENTITY_SPLIT: "split",
    Action.IDENTITY_REVIEW: "reviews",
    Action.IDENTITY_REFUSED: "kept_apart",
    Action.POINTS_PROPOSED: "reviews",
    Action.ACHIEVEMENT_ACCEPTED: "accepted",
    Action.ACHIEVEMENT_DUPLICATE: "duplicates",
    Action.ACHIEVEMENT_GRANTED: "granted",
    Action.ACHIEVEMENT_IGNORED: "ignored",
    Action.ACHIEVEMENT_FAILED: "failed",
    Action.ACHIEVEMENT_DELIVERED: "delivered",
    Action.ACHIEVEMENT_DEAD: "dead",
}
_WITH_REASON = frozenset({"ignored", "failed", "dead"})


class Audit(BatchContext):
    """`events` are all of the batch, `new_events` those since its last save; `happened` counts them. By event, `words` are the
    texts that its hash is bound to and that an erasure removes; `words_of` are the records that they belong to."""

    words = Of(Written[int, str])
    words_of = Of(Written[tuple[int, int], None])

    def __init__(self, now: int, ids: Ids, *, stamp: int | None = None) -> None:
        super().__init__(now, ids, stamp=stamp)
        self.events: list[AuditEvent] = []
        self.new_events: list[AuditEvent] = []
        self.happened: Counter[Happening] = Counter()

    def record_event(
        self,
        action: Action,
        *,
        outcome: str = "ok",
        channel: str = "",
        actor: str = "",
        profile: str = "",
        subject: str = "",
        request_id: str = "",
        reason: str = "",
        detail: Mapping[str, Any] | DecisionDetail | None = None,
        words: Words | None = None,
    ) -> None:
        """Append an audit event. It is committed, or lost, together with everything else of its command. With `words`, `detail` has
        to be a mapping. The detail names the source of the command, unless that is the gateway itself, and the name that the sender
        gives, if nothing else is known about them."""
        event_id = self.next_id()
        if self.source != "gateway" and not isinstance(detail, DecisionDetail):
            declared = {"declared": self.declared} if self.declared else {}
            detail = {**(detail or {}), "source": self.source, **declared}
        if words is not None and (said := {name: text for name, text in words.said.items() if text}):
            assert not isinstance(detail, DecisionDetail)  # noqa: S101 - what a decision says has its place
            text = _encode(said).decode()
            detail = {**(detail or {}), "words": words_hmac(words.pseudonyms, event_id, text)}
            self.words.add(event_id, text)
            for record_id in sorted(words.records):
                self.words_of.add((record_id, event_id), None)
        event = AuditEvent(
            event_id,
            self.stamp,
            str(action),
            outcome,
            channel,
            actor,
            profile,
            subject,
            request_id,
            reason,
            _encode(detail).decode() if detail else "",
        )
        self.events.append(event)
        self.new_events.append(event)
        if (what := _COUNTED.get(action)) is not None:
            self.happened[_happening(what, channel, detail, reason)] += 1

    def note_happened(self, what: str, channel: str, rule_set: str, rule: str) -> None:
        """Count what has no event of its own, such as the question that an attached record raised."""
        self.happened[Happening(what, channel, None, rule_set, rule)] += 1


def _happening(
    what: str, channel: str, detail: Mapping[str, Any] | DecisionDetail | None, reason: str
) -> Happening:
    if isinstance(detail, DecisionDetail):
        return Happening(what, channel, None, detail.rule_set, detail.rule)
    told = detail or {}
    return Happening(
        what,
        channel,
        told.get("campaign"),
        told.get("rule_set", ""),
        told.get("rule", ""),
        reason if what in _WITH_REASON else "",
    )
