"""Claims: what a source that may not state anything says about a customer. A claim is kept beside the caller's own record, where
operators find it. No decision reads it, so it cannot join or attach records, own a key, count for a fan-out, or affect another
customer.

If the same identifier is stated on the same record later (`observe`), the statement replaces the claim and counts from then on.
"""

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from gateway.audit.event import Action, Words
from gateway.ids import show
from gateway.model import Achieve, Claim, ClaimedAttribute, CustomerRecord, Identify, Resolution, SaveCustomer
from gateway.usecases.env import Env
from gateway.usecases.observe import pseudonym
from gateway.workingset import WorkingSet
from rules.identifier import Identifier

MOST_IDENTIFIERS = 16
"""Claims of one record. One more replaces the oldest."""
MOST_ATTRIBUTES = 64
"""Claimed attributes of one record. More are not kept."""
_encode = msgspec.json.Encoder(order="sorted").encode


def keep(
    command: Achieve | Identify | SaveCustomer,
    resolution: Resolution,
    ws: WorkingSet,
    env: Env,
    attributes: Mapping[str, Any] = {},
) -> None:
    """Keep what the command claims of its record, unless that is stated or claimed there already."""
    if not command.claims and not attributes:
        return
    record = ws.by_record_id[resolution.record_id]
    identifiers = _keep_identifiers(command, record, ws)
    names = _keep_attributes(command, record, attributes, ws) if attributes else []
    if not identifiers and not names:
        return
    ws.record_event(
        Action.IDENTITY_CLAIMED,
        channel=command.caller.channel,
        actor=command.caller.actor,
        profile=show("prf", resolution.profile_id),
        subject=show("rec", resolution.record_id),
        request_id=command.caller.request_id,
        detail={
            "claims": [pseudonym(identifier, env) for identifier in identifiers],
        },
        words=Words({"attributes": sorted(names)}, (record.record_id,), env.pseudonyms),
    )


def _keep_identifiers(
    command: Achieve | Identify | SaveCustomer, record: CustomerRecord, ws: WorkingSet
) -> list[Identifier]:
    known = ws.claims[record.record_id].identifiers
    fresh = [one for one in _distinct(command.claims) if one not in record.observations and one not in known]
    fresh = fresh[:MOST_IDENTIFIERS]
    oldest = sorted(known, key=lambda one: (known[one].claimed_at, one))
    for one in oldest[: max(0, len(known) + len(fresh) - MOST_IDENTIFIERS)]:
        ws.drop_claim(record, one)
    for one in fresh:
        ws.keep_claim(record, one, Claim(command.caller.source, ws.stamp))
    return fresh


def _keep_attributes(
    command: Achieve | Identify | SaveCustomer,
    record: CustomerRecord,
    attributes: Mapping[str, Any],
    ws: WorkingSet,
) -> list[str]:
    stated, known = ws.attributes[record.record_id], ws.claims[record.record_id].attributes
    names: list[str] = []
    for name, value in attributes.items():
        text = _encode(value).decode()
        if (known[name].value if name in known else stated.get(name)) == text:
            continue
        if name in known or len(known) < MOST_ATTRIBUTES:
            given = ClaimedAttribute(text, command.caller.source, ws.stamp)
            ws.keep_claimed_attribute(record, name, given)
            names.append(name)
    return names


def put_back(record: CustomerRecord, identifier: Identifier, claim: Claim, ws: WorkingSet) -> None:
    """Restore a claim after the statement that replaced it was taken back, unless other claims have filled its place."""
    known = ws.claims[record.record_id].identifiers
    if identifier not in record.observations and identifier not in known and len(known) < MOST_IDENTIFIERS:
        ws.keep_claim(record, identifier, claim)


def _distinct(identifiers: Iterable[Identifier]) -> list[Identifier]:
    return list(dict.fromkeys(identifiers))
