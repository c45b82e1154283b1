"""Each audit action has a sentence, with or without what its event tells."""

import pytest

from gateway.audit.event import Action
from gateway.audit.sentences import sentence

BARE = {
    **dict.fromkeys(("outcome", "channel", "actor", "profile", "object", "request_id", "reason"), ""),
    "channel": "web",
}


def told(action: str, detail: dict[str, object] | None = None, **fields: str) -> str:
    return sentence({**BARE, **fields, "action": action, "detail": detail or {}, "words": None})


@pytest.mark.parametrize("action", list(Action))
def test_every_action_has_a_sentence(action: Action) -> None:
    assert len(told(action).split()) > 1
    assert action.value not in told(action)


@pytest.mark.parametrize(
    ("action", "fields", "detail", "expected"),
    [
        (
            Action.IDENTITY_REGROUPED,
            {},
            {"looked": 2, "merged": 2, "split": 0, "asked": 1},
            "2 profiles regrouped: 2 merged, 1 asked",
        ),
        (Action.IDENTITY_REGROUPED, {}, {"looked": 1, "merged": 0}, "1 profile regrouped: no change"),
        (
            Action.IMPORT_ROWS,
            {"object": "imp_7"},
            {"counts": {"created": 3, "attached": 1}},
            "import imp_7 stored 4 rows",
        ),
        (
            Action.IMPORT_UNDONE,
            {"object": "imp_7"},
            {"removed": ["rec_1"], "stays": ["rec_2", "rec_3"], "note": "wrong file"},
            "the undo of import imp_7 removed 1 record and restored 0 records: wrong file",
        ),
        (
            Action.LIST_CHANGED,
            {"object": "stores", "outcome": "removed"},
            {"values": 1},
            "list stores: 1 value removed",
        ),
        (
            Action.STATE_BOUND,
            {},
            {"table": "review", "rows": 2, "step": 60},
            "2 rows of review bound to the log, as schema step 60 asks",
        ),
        (
            Action.DELIVERY_HELD,
            {"object": "dlv_1", "reason": "http_500"},
            {"target": "platform"},
            "dlv_1 to platform is held back: http_500",
        ),
        (
            Action.ACHIEVEMENT_DEAD,
            {"reason": "http_422"},
            {"campaign": 5},
            "the achievement for campaign 5 was given up and not delivered: http_422",
        ),
    ],
)
def test_a_sentence_tells_what_the_event_says(
    action: Action, fields: dict[str, str], detail: dict[str, object], expected: str
) -> None:
    assert told(action, detail, **fields) == expected


@pytest.mark.parametrize(
    ("asked", "accepted", "rejected"),
    [
        (
            "join",
            "prf_1 and prf_2 were found to be one person",
            "prf_1 and prf_2 were found to be two persons",
        ),
        (
            "leave",
            "records that were in question left prf_1",
            "records that were in question stay with prf_1",
        ),
        (
            "keys",
            "the identifiers that prf_1 and prf_2 both hold were given to the other of the two",
            "the identifiers that prf_1 and prf_2 both hold stay with their owner",
        ),
        (
            "points",
            "the points that the platform kept for prf_1 and prf_2 were moved by a person",
            "the points that the platform keeps for prf_1 and prf_2 stay as they are",
        ),
    ],
)
def test_the_answer_to_a_review_is_told_by_what_was_asked(asked: str, accepted: str, rejected: str) -> None:
    detail: dict[str, object] = {"profiles": ["prf_1", "prf_2"], "asked": asked, "note": "asked her"}
    for action, expected in ((Action.REVIEW_ACCEPTED, accepted), (Action.REVIEW_REJECTED, rejected)):
        said = told(action, detail, profile="prf_1", actor="sam")
        assert said == f"{expected} by decision of sam: asked her"


def test_an_action_of_a_newer_gateway_is_named() -> None:
    assert told("moon.landed") == "moon.landed"
