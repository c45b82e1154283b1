"""Who may earn what: one order of checks, one reason each."""

from collections.abc import Callable, Sequence
from datetime import datetime
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from msgspec.structs import replace

from gateway.config import Audience, Campaign, Limit, Period, Program
from gateway.loyalty import Needs, Reason, Standing, judge, needs
from gateway.model.tags import folded

NOW = 1_790_000_000_000
HOUR = 3_600_000
YEAR = 366 * 24 * HOUR
PROGRAM = Program()
CAMPAIGN = Campaign(id=11664, name="Follow us", points=100)
ANYBODY = Standing()

HARDEST = Campaign(
    id=11664,
    name="Follow us",
    type="event",
    points=100,
    enabled=False,
    budget_points=1_000,
    starts_at=NOW + 1,
    ends_at=NOW,
    max_achievements=3,
    limit=Limit(times=2, per="day"),
    audience=Audience(
        include_tags=frozenset({"vip"}),
        exclude_tags=frozenset({"staff"}),
        min_tier=2,
        attributes={"city": "Cairo"},
    ),
)
WORST = Standing(
    exists=False,
    active=False,
    guest=True,
    tags=frozenset({"staff"}),
    tier=1,
    granted=(NOW - 3, NOW - 2, NOW - 1),
    spent=901,
)


def cases() -> list[tuple[Reason | None, Program, Campaign | None, Standing]]:
    """Everything is wrong at first; each case puts one more thing right and so gets the next reason."""
    standing, campaign = WORST, HARDEST
    found: list[tuple[Reason | None, Program, Campaign | None, Standing]] = [
        ("program_disabled", Program(enabled=False), None, standing),
        ("customer_unknown", PROGRAM, None, standing),
        ("customer_inactive", PROGRAM, None, standing := standing._replace(exists=True)),
        ("guest", PROGRAM, None, standing := standing._replace(active=True)),
        ("campaign_unknown", PROGRAM, None, standing := standing._replace(guest=False)),
        ("campaign_not_social", PROGRAM, campaign, standing),
        ("campaign_disabled", PROGRAM, campaign := replace(campaign, type="social"), standing),
        ("over_budget", PROGRAM, campaign := replace(campaign, enabled=True), standing),
        ("not_started", PROGRAM, campaign, standing := standing._replace(spent=900)),
        ("ended", PROGRAM, campaign := replace(campaign, starts_at=NOW), standing),
        ("audience_tags", PROGRAM, campaign := replace(campaign, ends_at=NOW + 1), standing),
        (
            "audience_excluded_tag",
            PROGRAM,
            campaign,
            standing := standing._replace(tags=frozenset({"vip", "staff"})),
        ),
        ("audience_tier", PROGRAM, campaign, standing := standing._replace(tags=frozenset({"vip", "x"}))),
        ("audience_attributes", PROGRAM, campaign, standing := standing._replace(tier=2)),
        (
            "limit_total",
            PROGRAM,
            campaign,
            standing := standing._replace(attributes={"city": "Cairo", "x": 1}),
        ),
        ("limit_period", PROGRAM, campaign, standing := standing._replace(granted=(NOW - 2, NOW - 1))),
        (None, PROGRAM, campaign, standing._replace(granted=(NOW - 48 * HOUR, NOW - 1))),
    ]
    return found


@pytest.mark.parametrize(
    ("reason", "program", "campaign", "standing"), cases(), ids=lambda part: str(part)[:24]
)
def test_the_first_failing_check_is_the_reason(
    reason: Reason | None, program: Program, campaign: Campaign | None, standing: Standing
):
    assert judge(program, campaign, standing, NOW) == reason


def test_every_reason_is_one_of_the_order():
    assert [case[0] for case in cases()][:-1] == list(Reason.__args__)


def test_a_campaign_may_welcome_guests():
    guest = Standing(guest=True)
    assert judge(PROGRAM, CAMPAIGN, guest, NOW) == "guest"
    assert judge(PROGRAM, replace(CAMPAIGN, audience=Audience(guests=True)), guest, NOW) is None


@pytest.mark.parametrize(
    ("known", "wanted", "fits"),
    [
        ({"city": "Cairo"}, {"city": "Cairo"}, True),
        ({"city": "cairo"}, {"city": "Cairo"}, False),
        ({}, {"city": "Cairo"}, False),
        ({"orders": 3, "vip": True}, {"orders": 3.0}, True),
        ({"orders": "3"}, {"orders": 3}, False),
        ({"city": "Cairo"}, {"city": "Cairo", "vip": True}, False),
    ],
)
def test_every_attribute_of_the_audience_must_be_equal(
    known: dict[str, Any], wanted: dict[str, Any], fits: bool
) -> None:
    campaign = replace(CAMPAIGN, audience=Audience(attributes=wanted))
    assert (judge(PROGRAM, campaign, Standing(attributes=known), NOW) is None) is fits


@given(st.lists(st.integers(0, YEAR), max_size=20), st.integers(1, 5))
def test_a_total_limit_is_never_passed(offsets: list[int], most: int):
    campaign = replace(CAMPAIGN, max_achievements=most)
    assert len(grant_all(PROGRAM, campaign, sorted(offsets))) == min(most, len(offsets))


@given(st.integers(1, 500), st.integers(0, 5_000), st.integers(1, 40))
def test_a_budget_is_used_up_but_never_passed(points: int, budget: int, attempts: int):
    campaign = replace(CAMPAIGN, points=points, budget_points=budget, max_achievements=0)
    spent = 0
    for _ in range(attempts):
        if judge(PROGRAM, campaign, Standing(spent=spent), NOW) is None:
            spent += points
    assert spent == points * (min(attempts, budget // points) if budget else attempts)


@given(
    st.lists(st.integers(0, YEAR), max_size=30),
    st.integers(1, 3),
    st.sampled_from(("day", "week", "month")),
    st.sampled_from(("UTC", "Africa/Cairo", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu")),
)
def test_a_limit_per_period_holds_in_every_calendar_period_and_refuses_nothing_else(
    offsets: list[int], times: int, per: Period, zone: str
):
    campaign = replace(CAMPAIGN, max_achievements=0, limit=Limit(times=times, per=per))
    granted = grant_all(Program(time_zone=zone), campaign, sorted(offsets))
    tried = counts([NOW + offset for offset in offsets], per, zone)
    assert counts(granted, per, zone) == {period: min(times, count) for period, count in tried.items()}


def grant_all(program: Program, campaign: Campaign, offsets: Sequence[int]) -> list[int]:
    granted: list[int] = []
    for now in (NOW + offset for offset in offsets):
        if judge(program, campaign, Standing(granted=granted), now) is None:
            granted.append(now)
    return granted


def counts(times: Sequence[int], per: Period, zone: str) -> dict[tuple[int, int], int]:
    """Calendar period → how many of `times` lie in it, straight from the local calendar."""
    found: dict[tuple[int, int], int] = {}
    for at in times:
        local = datetime.fromtimestamp(at // 1_000, ZoneInfo(zone))
        period = {"day": (local.year, local.timetuple().tm_yday), "month": (local.year, local.month)}.get(
            per, local.isocalendar()[:2]
        )
        found[period] = found.get(period, 0) + 1
    return found


@given(
    st.lists(st.integers(0, 60 * 24 * HOUR), min_size=2, max_size=30),
    st.integers(1, 3),
    st.sampled_from(("day", "week", "month")),
    st.randoms(use_true_random=False),
)
def test_a_limit_per_period_holds_in_whatever_order_reports_are_decided(
    offsets: list[int], times: int, per: Period, chance: Random
):
    campaign = replace(CAMPAIGN, max_achievements=0, limit=Limit(times=times, per=per))
    chance.shuffle(offsets)
    granted = grant_all(PROGRAM, campaign, offsets)
    tried = counts([NOW + offset for offset in offsets], per, "UTC")
    assert counts(granted, per, "UTC") == {period: min(times, count) for period, count in tried.items()}


@pytest.mark.parametrize(
    ("granted", "accepted", "reason"),
    [
        ("2026-11-23T10:00Z", "2026-11-23T23:59Z", "limit_period"),
        ("2026-11-23T10:00Z", "2026-11-24T00:00Z", None),
        ("2026-11-23T23:59Z", "2026-11-23T10:00Z", "limit_period"),
        ("2026-11-24T00:00Z", "2026-11-23T23:59Z", None),
        ("2028-01-01T00:00Z", "2026-11-23T10:00Z", None),
    ],
)
def test_a_grant_counts_in_the_day_in_which_its_report_was_accepted_and_in_no_other(
    granted: str, accepted: str, reason: Reason | None
):
    campaign = replace(CAMPAIGN, max_achievements=0, limit=Limit(times=1, per="day"))
    earlier, now = (round(datetime.fromisoformat(text).timestamp() * 1_000) for text in (granted, accepted))
    assert judge(PROGRAM, campaign, Standing(granted=(earlier,)), now) == reason


@given(st.integers(0, YEAR))
def test_what_a_campaign_does_not_need_changes_nothing(offset: int):
    assert not any(needs(replace(CAMPAIGN, max_achievements=0)))
    crowded = Standing(tags=frozenset({"x"}), tier=9, attributes={"a": 1}, granted=(NOW,), spent=10**9)
    assert judge(PROGRAM, replace(CAMPAIGN, max_achievements=0), crowded, NOW + offset) is None


@pytest.mark.parametrize(
    ("change", "needed"),
    [
        ({"audience": Audience(include_tags=frozenset({"vip"}))}, "tags"),
        ({"audience": Audience(exclude_tags=frozenset({"staff"}))}, "tags"),
        ({"audience": Audience(min_tier=1)}, "tier"),
        ({"audience": Audience(attributes={"city": "Cairo"})}, "attributes"),
        ({"max_achievements": 1}, "granted"),
        ({"limit": Limit()}, "granted"),
        ({"budget_points": 1}, "spent"),
    ],
)
def test_a_campaign_needs_what_each_of_its_settings_reads(change: dict[str, Any], needed: str):
    campaign = replace(CAMPAIGN, **{"max_achievements": 0, **change})
    assert needs(campaign)._asdict() == {name: name == needed for name in Needs._fields}


SPELLINGS = [
    ("employee", "Employee"),
    ("employee", "EMPLOYEE"),
    ("Employee", "employee"),
    ("VIP", "vIp"),
    ("vip", " VIP "),
    ("Straße", "STRASSE"),
    ("ΣΑΣ", "σας"),
    ("Сотрудник", "СОТРУДНИК"),
    ("Çalışan", "C\u0327alışan"),
    ("café", "CAFE\u0301"),
    ("ǅ", "ǆ"),
    ("işçi", "İŞÇİ"),
    ("İşçi", "i\u0307şçi"),
    ("kadın", "KADIN"),
    ("VIP", "vıp"),
    ("vip", "VİP"),
    ("vip", "ＶＩＰ"),
    ("vip member", "VIP\u00a0Member"),
    ("vip member", "vip  member"),
    ("vip", "\u200fvip\u200b"),
    ("ﬁrma", "FIRMA"),
    ("موظف", "\u202bموظف\u202c"),
]


@pytest.mark.parametrize(("configured", "attached"), SPELLINGS)
def test_tags_are_compared_without_case_and_what_keyboards_add(configured: str, attached: str) -> None:
    standing = ANYBODY._replace(tags=frozenset({attached, "other"}))
    only, without = (
        replace(CAMPAIGN, audience=audience)
        for audience in (
            Audience(include_tags=frozenset({configured})),
            Audience(exclude_tags=frozenset({configured})),
        )
    )
    assert judge(PROGRAM, only, standing, NOW) is None
    assert judge(PROGRAM, without, standing, NOW) == "audience_excluded_tag"


@given(st.text(min_size=1), st.sampled_from([str.upper, str.lower, str.title, str.swapcase, str.casefold]))
def test_no_way_of_typing_a_tag_in_another_case_makes_another_tag(
    tag: str, retype: Callable[[str], str]
) -> None:
    retyped = retype(tag)
    assume(tag.casefold() == retyped.casefold())
    assert folded(tag) == folded(retyped) == folded(folded(tag))


@pytest.mark.parametrize("other", ["employees", "emp loyee", "employé", "employee2", "non-employee"])
def test_another_word_is_another_tag(other: str) -> None:
    standing = ANYBODY._replace(tags=frozenset({other}))
    campaign = replace(CAMPAIGN, audience=Audience(exclude_tags=frozenset({"employee"})))
    assert judge(PROGRAM, campaign, standing, NOW) is None
