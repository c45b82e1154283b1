"""What the upstream counts tells whether a report arrived whose answer was lost, or tells that it cannot tell."""

import json

import pytest

from gateway.upstream.reconcile import Finding, Progress, find, progress_in


@pytest.mark.parametrize(
    ("achieved", "delivered", "finding"),
    [
        (0, 0, "absent"),
        (1, 0, "arrived"),
        (2, 0, "undecidable"),
        (0, 2, "absent"),
        (1, 2, "undecidable"),
        (2, 2, "absent"),
        (3, 2, "arrived"),
        (4, 2, "undecidable"),
    ],
)
def test_one_more_than_was_delivered_is_the_lost_one(achieved: int, delivered: int, finding: Finding) -> None:
    assert find(Progress(achieved, can_achieve=True), delivered) == finding


def test_where_nothing_is_left_to_earn_it_does_not_matter_whether_it_arrived() -> None:
    assert find(Progress(1, can_achieve=False), 2) == "nothing_to_earn"
    assert find(Progress(1, can_achieve=False), 0) == "arrived"


def test_an_answer_without_the_campaign_decides_nothing() -> None:
    assert find(progress_in(b"[]", 11664), 0) == "undecidable"


@pytest.mark.parametrize("body", [b"", b"null", b"{}", b'[{"achievedCount": "2"}]', b"\xff", b"[[]]"])
def test_an_answer_that_cannot_be_read_decides_nothing(body: bytes) -> None:
    assert progress_in(body, 11664) is None


def test_the_campaigns_own_entry_is_read_among_others_and_unknown_members_are_passed_over() -> None:
    entries = [
        {"rewardsCampaignId": 1, "achievedCount": 7},
        {"rewardsCampaignId": 11664, "achievedCount": 2, "canAchieve": False, "streak": None},
    ]
    assert progress_in(json.dumps(entries).encode(), 11664) == Progress(2, can_achieve=False)
    assert progress_in(json.dumps(entries).encode(), 1) == Progress(7, can_achieve=True)
