"""What each event says: who did what to whom, how it went, and why."""

import json
import re
from collections.abc import Iterable
from typing import Any

from gateway.model import ChangeList, DropPin, MergeProfiles, RevokeKey, SetPin, StoreRules, UndoMerge
from tests.support.in_process_gateway import (
    InProcessGateway,
    achieve,
    active,
    caller,
    claim,
    customer,
    erase,
    tags,
)
from tests.usecases.test_operators import OPERATOR, create, rules

_IDS = re.compile(r"\b(?:(prf|rec|mrg|ach)_\w+|[0-9a-f]{32})\b")
BACKEND, BY_OPERATOR = {"source": "backend"}, {"source": "operator"}


def numbered(rows: Iterable[tuple[object, ...]]) -> list[tuple[Any, ...]]:
    """Ids and HMACs by the order in which they first appear."""
    known: dict[str, str] = {}

    def name(found: re.Match[str]) -> str:
        kind = found[1] or "hmac"
        return known.setdefault(found[0], f"{kind}{sum(one.startswith(kind) for one in known.values()) + 1}")

    texts = ([_IDS.sub(name, str(one)) for one in row] for row in rows)
    return [(*text, json.loads(detail)) for *text, detail in texts]


async def said(core: InProcessGateway) -> list[tuple[Any, ...]]:
    return numbered(
        await core.rows(
            "SELECT action, outcome, channel, actor, profile, object, request_id, reason, detail"
            " FROM audit ORDER BY event_id"
        )
    )


async def test_an_event_of_a_channel_names_the_call_the_profile_and_the_record(
    core: InProcessGateway,
) -> None:
    await core.send(customer("web:ann", email="ann@x.eg"))
    await core.send(claim("web:ann", {"displayName": "Ann"}, mobile="+201001234567"))
    await core.send(tags("web:ann", "vip"))
    await core.send(active("web:ann", False))
    await core.send(active("web:ann", True))
    await core.send(achieve("web:ann"))
    await core.send(achieve("web:ann"))
    await core.send(erase("web:ann"))
    evidence = {"hmac": "hmac1", "mask": "a***@x***.eg", "reason": "", "status": "ok", "type": "email"}
    created = {
        "decision": "created",
        "id_space": "web",
        "rule": "",
        "rule_set": core.env.rules.sha256[:16],
        "absorbed": [],
        "evidence": [evidence],
        "trace": [],
    }
    claims = [{"hmac": "hmac2", "mask": "***67", "type": "mobile"}]
    by = ("web", "channel:web", "prf1")
    assert await said(core) == [
        ("identity.created", "created", *by, "rec1", "req", "new", BACKEND | created),
        (
            *("identity.claimed", "ok", *by, "rec1", "req", ""),
            {"claims": claims, "words": "hmac3", "source": "public"},
        ),
        ("customer.tagged", "ok", *by, "rec1", "req", "", BACKEND | {"words": "hmac4"}),
        ("customer.deactivated", "ok", *by, "rec1", "req", "", BACKEND | {"records": 1}),
        ("customer.activated", "ok", *by, "rec1", "req", "", BACKEND | {"records": 1}),
        ("achievement.accepted", "ok", *by, "ach1", "req", "", BACKEND | {"campaign": 11664}),
        (
            *("achievement.duplicate", "refused", *by, "ach1", "req", "dedup_window"),
            BACKEND | {"campaign": 11664},
        ),
        ("customer.erased", "ok", *by, "", "req", "", BACKEND | {"records": 1}),
    ]


async def test_an_event_of_a_judgement_names_both_sides_and_keeps_the_words_outside(
    core: InProcessGateway,
) -> None:
    await core.send(customer("web:ann", email="ann@x.eg"))
    await core.send(customer("pos:17", mobile="+201007654321"))
    one, other = await core.column("SELECT profile_id FROM profile ORDER BY 1")
    a, b = await core.column("SELECT record_id FROM record ORDER BY 1")
    await core.send(MergeProfiles(caller(), (one, other), "the same person"))
    (merge_id,) = await core.column("SELECT merge_id FROM merge")
    await core.send(UndoMerge(caller(), merge_id, "a mistake"))
    await core.send(DropPin(caller(), a, b))
    await core.send(SetPin(caller(), a, b, "cannot", "asked them"))
    parted = {
        "parts": {"prf2": ["rec2"]},
        "named_after": {"prf1": "rec1", "prf2": "rec2"},
        "redirects": {},
        "pinned": True,
        "words": "hmac5",
    }
    both, by = {"records": ["rec1", "rec2"]}, ("", "channel:web", "prf1")
    assert (await said(core))[2:] == [
        (
            *("identity.merged", "merged", *by, "mrg1", "req", "operator"),
            BACKEND | {"absorbed": ["prf2"], "words": "hmac3"},
        ),
        ("pin.set", "must", *by, "rec1", "req", "must", BACKEND | both | {"words": "hmac4"}),
        ("identity.split", "split", *by, "mrg1", "req", "undo", BACKEND | parted),
        ("pin.dropped", "cannot", *by, "rec1", "req", "cannot", BACKEND | both),
        ("pin.set", "cannot", *by, "rec1", "req", "cannot", BACKEND | both | {"words": "hmac6"}),
    ]


async def test_an_event_of_an_operators_change_names_the_object_and_its_digest(
    core: InProcessGateway,
) -> None:
    await core.send(customer("web:ann", mobile="+201007654321"))
    await core.send(create(core, "k1"))
    await core.send(RevokeKey(OPERATOR, "k1"))
    await core.send(StoreRules(OPERATOR, rules("1"), activate=True))
    for listed in (True, False):
        await core.send(ChangeList(OPERATOR, "stores", ("+201007654321",), listed))
    number, by = {"hmac": "hmac1", "mask": "***21", "type": "mobile"}, ("", "operator", "")
    assert (await said(core))[1:] == [
        ("key.created", "ok", "web", "operator", "", "k1", "req", "", BY_OPERATOR),
        ("key.revoked", "ok", "web", "operator", "", "k1", "req", "", BY_OPERATOR),
        ("rules.stored", "ok", *by, "1", "req", "", BY_OPERATOR | {"sha256": "sha of text"}),
        ("rules.activated", "ok", *by, "1", "req", "", BY_OPERATOR),
        ("identifier.blocked", "ok", *by, "", "req", "own:stores", BY_OPERATOR | number),
        ("list.changed", "added", *by, "stores", "req", "", BY_OPERATOR | {"values": 1}),
        ("identifier.unblocked", "ok", *by, "", "req", "own:stores", BY_OPERATOR | number),
        ("list.changed", "removed", *by, "stores", "req", "", BY_OPERATOR | {"values": 1}),
    ]
