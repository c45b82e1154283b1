"""The scenario of `docs/guides/rules-limits.md`, carried out as it stands there: four policies, one list of calls."""

import csv
import re
from pathlib import Path
from typing import NamedTuple

import pytest

from gateway.clock import SECOND
from gateway.model import SaveCustomer
from rules.ruleset import RuleSet
from tests.support.in_process_gateway import InProcessGateway, caller, environment, rule_set_of

_GUIDE = (Path(__file__).parents[2] / "docs/guides/rules-limits.md").read_text(encoding="utf-8")
_SCENARIO = _GUIDE.partition("### One scenario, four policies")[2].partition("\n#")[0]
_RULES, _CALLS = (
    _SCENARIO.partition(f"```{language}\n")[2].partition("```")[0] for language in ("toml", "csv")
)
_TILL = "pos:17"


class Ending(NamedTuple):
    """A row of the guide's table."""

    policy: str
    answer: str
    profiles: set[frozenset[str]]
    questions: set[frozenset[str]]


def endings() -> list[Ending]:
    rows = [row.split("|")[1:-1] for row in _SCENARIO.splitlines() if row.startswith("| `")]
    return [
        Ending(_names(p)[0], _names(a)[0], _groups(profiles), _asked(_names(p)[0])) for p, a, profiles in rows
    ]


def _asked(policy: str) -> set[frozenset[str]]:
    """The page names the one policy that leaves questions, and their pairs."""
    found = re.search(
        r"Only `(\w+)` leaves open questions\. They are about these pairs: ([^.]*?)\n\n", _SCENARIO
    )
    assert found
    return _groups(found[2]) if found[1] == policy else set()


def _names(cell: str) -> list[str]:
    return re.findall(r"`([^`]+)`", cell)


def _groups(cell: str) -> set[frozenset[str]]:
    return {frozenset(_names(part)) for part in cell.split("·") if _names(part)}


def rules_with(policy: str) -> RuleSet:
    return rule_set_of(re.sub(r'policy = "\w+"', f'policy = "{policy}"', _RULES))


def test_the_guide_shows_every_policy_once() -> None:
    assert [ending.policy for ending in endings()] == ["review", "refuse", "drop_lowest", "move_to_newest"]


@pytest.mark.parametrize("ending", endings(), ids=lambda ending: ending.policy)
async def test_a_policy_ends_as_the_guide_says(ending: Ending, tmp_path: Path) -> None:
    async with InProcessGateway(tmp_path, environment(rules=rules_with(ending.policy))) as core:
        answers: dict[str, list[str]] = {}
        before: object = None
        for call in csv.DictReader(_CALLS.splitlines()):
            before = await state(core)
            outcome = await core.send(save(core, **call))
            answers.setdefault(call["customer"], []).append(outcome.resolution.decision)
            core.clock.advance(SECOND)
        assert answers[_TILL] == [ending.answer] * 2
        assert (await profiles(core), await questions(core)) == (ending.profiles, ending.questions)
        assert await state(core) == before


def save(core: InProcessGateway, customer: str, **raw: str) -> SaveCustomer:
    channel, _, customer_id = customer.partition(":")
    evidence = [
        one for type_, text in raw.items() if text for one in core.env.normalizer.evidence(type_, text, None)
    ]
    return SaveCustomer(caller(channel), customer_id, tuple(evidence))


async def profiles(core: InProcessGateway) -> set[frozenset[str]]:
    return set((await _members(core)).values())


async def questions(core: InProcessGateway) -> set[frozenset[str]]:
    """The pairs asked about, each profile by its first customer."""
    first = {
        profile_id: min(members, key=_calls_order) for profile_id, members in (await _members(core)).items()
    }
    pairs = await core.rows("SELECT profile_a, profile_b FROM review WHERE state = 'open'")
    return {frozenset(first[one] for one in pair) for pair in pairs}


def _calls_order(who: str) -> int:
    return _CALLS.index(f"\n{who},")


async def _members(core: InProcessGateway) -> dict[int, frozenset[str]]:
    found: dict[int, frozenset[str]] = {}
    for profile_id, who in await core.rows("SELECT profile_id, id_space || ':' || customer_id FROM record"):
        found[profile_id] = found.get(profile_id, frozenset()) | {who}
    return found


async def state(core: InProcessGateway) -> list[list[tuple[object, ...]]]:
    return [
        await core.rows(f"SELECT {what} ORDER BY 1, 2")
        for what in (
            "profile_id, changes FROM profile",
            "profile_a, profile_b, state FROM review",
            "record_id, profile_id FROM record",
            "value, owner_id FROM identifier_owner",
        )
    ]
