"""Customers of one shop, and what a regrouping makes of them."""

from typing import Any

from gateway.model import (
    Caller,
)
from gateway.processes.plan import planned
from rules.plan import Plan
from rules.ruleset import RuleSet
from tests.support.in_process_gateway import (
    InProcessGateway,
    achieve,
    customer,
    default_rules,
    rule_set_of,
)

OPERATOR = Caller("", "", "operator", "req")
SHOP = "+201000000100"


def rules(version: str, *, resplit: str = "auto", more: str = "", **changed: str) -> RuleSet:
    """The default preset under another version; `changed` replaces whole lines, `fanout_limit="9"` in every type."""
    lines = [
        f'version = "{version}"' if line.startswith("version =") else line
        for line in default_rules().text.splitlines()
    ]
    for key, value in changed.items():
        lines = [f"{key} = {value}" if line.startswith(f"{key} =") else line for line in lines]
    text = "\n".join(lines)
    return rule_set_of(f'{text}\n[conflict]\nresplit = "{resplit}"\n{more}')


async def shop_number(core: InProcessGateway, people: int = 3) -> None:
    """Each person has an address of their own, and the shop's number from the till: they are one by that number."""
    for number in range(people):
        await core.send(customer(f"web:{number}", email=f"p{number}@example.com"))
        await core.send(customer(f"pos:{number}", email=f"p{number}@example.com", mobile=SHOP))


async def strangers(core: InProcessGateway) -> None:
    """Three more at the till, with nothing but that number: it turns generic."""
    for number in range(3):
        await core.send(customer(f"pos:stranger{number}", mobile=SHOP))


async def groups(core: InProcessGateway) -> list[str]:
    found: dict[int, list[str]] = {}
    for profile_id, space, customer_id in await core.rows(
        "SELECT profile_id, id_space, customer_id FROM record"
    ):
        found.setdefault(profile_id, []).append(f"{space}:{customer_id}")
    return sorted(" ".join(sorted(one)) for one in found.values())


async def questions(core: InProcessGateway, state: str = "open") -> list[tuple[int, str]]:
    return await core.rows("SELECT review_id, reason FROM review WHERE state = ? ORDER BY review_id", state)


APART = ["pos:0 web:0", "pos:1 web:1", "pos:2 web:2"]
TOGETHER = ["pos:0 pos:1 pos:2 web:0 web:1 web:2"]
ALONE = ["pos:stranger0", "pos:stranger1", "pos:stranger2"]


# ---- a pin that is removed ----


async def two(core: InProcessGateway, mobile: str = "") -> tuple[int, int]:
    """The records of two people who have the same number, or none."""
    for who in ("web:1", "pos:1"):
        await core.send(customer(who, mobile=mobile))
    one, other = await core.column("SELECT record_id FROM record ORDER BY record_id")
    return one, other


# ---- new rules over all profiles ----


async def activate(core: InProcessGateway, candidate: RuleSet, limit: int = 100) -> tuple[Plan, Any]:
    """Plan, activate and regroup; what was foreseen, and what the walk counted."""
    foreseen = planned(core.url, candidate, core.clock.now())
    await core.use(candidate)
    await core.regroup(limit)
    ((merged, split, asked, points),) = await core.rows(
        "SELECT merged, split, asked, points FROM regrouping WHERE scope = 'rules' ORDER BY regrouping_id DESC LIMIT 1"
    )
    return foreseen, (merged, split, asked, points)


CROWDED = """
[rules]
schema = 1
version = "{version}"
[identifier.mobile]
kind = "phone"
strength = 80
fanout_limit = 5
on_fanout = "{on_fanout}"
[identifier.email]
kind = "email"
strength = 70
fanout_limit = 5
[identifier.card]
kind = "opaque"
merge = false
[[rule]]
name = "mobile"
all_of = ["mobile"]
[[rule]]
name = "email"
all_of = ["email"]
unless_differs = ["card"]
[conflict]
resplit = "auto"
[merge]
max_records = 1000
"""


def crowded(version: str, on_fanout: str) -> RuleSet:
    return rule_set_of(CROWDED.format(version=version, on_fanout=on_fanout))


TILL = '[merge]\nmax_records = {most}\n[id_space.pos]\non_many_ids = "allow"\n'


async def one_at_the_till(core: InProcessGateway, people: int) -> None:
    """As many records on one profile, by the shop's number; one of them has something to be found by as well."""
    for number in range(people):
        await core.send(customer(f"pos:{number}", mobile=SHOP))
    await core.send(customer("pos:3", email="ann@example.com"))
    await core.send(achieve("pos:3"))
    await core.grant_later()
    await core.send(customer("web:ann", email="ann@example.com"))
