"""Names as some reader takes them, and names that are made to keep a reader busy."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.http.gameball.spelling import plain, within
from tests.support.public_api import ask

if TYPE_CHECKING:
    from tests.support.loyalty_platform import Platform
    from tests.support.running_gateway import RunningGateway

ELEMENTS_BY_TRIAL = re.compile(r"(\[[^\]]*\]?|\.\d+)+\s*$")
"""What an element of a list is, said plainly; on long names it takes for ever."""
MANY = 200_000
LABORIOUS = {
    "brackets, never closed": "[" * MANY,
    "brackets before one that ends elsewhere": "[" * MANY + "]x",
    "elements before a letter": "[1]" * MANY + "x",
    "indices before a letter": ".1" * MANY + "x",
    "indices before blanks": ".1" * MANY + " " * MANY + "x",
    "indices in a bracket": "[.1" * MANY + "]x",
    "blanks": " " * MANY + "x",
    "marks that are put in order": "a" + "\u0300\u0323" * MANY,
    "marks around letters": "cu" + "\u0323\u0300" * MANY + "stomerId",
}


@given(st.text(st.sampled_from("a[].1 \n"), max_size=12))
def test_the_index_of_a_list_is_left_out_wherever_a_trial_finds_one(name: str) -> None:
    rest = ELEMENTS_BY_TRIAL.sub("", f"a{name}")
    assert plain(f"a{name}") == "".join(sign for sign in rest if sign.isalnum())


@pytest.mark.parametrize("name", LABORIOUS.values(), ids=LABORIOUS)
def test_a_name_is_read_in_the_time_that_its_length_takes(name: str) -> None:
    plain(name)
    within(name, frozenset({"customerid"}))


@pytest.mark.parametrize("between", ["\u200b", "\u0323\u0300", " ", "\ufeff", "\x00"])
def test_no_number_of_marks_hides_a_name(between: str) -> None:
    assert plain(between * MANY + "Customer" + between * MANY + "ID" + between * MANY) == "customerid"


@pytest.mark.parametrize("name", [f"{'[' * 60}]x", f"{'[.1' * 60}]x", "a" + "\u0300\u0323" * 60_000])
async def test_the_api_key_alone_keeps_no_other_caller_waiting(
    forward: RunningGateway, platform: Platform, name: str
) -> None:
    key_alone = {"secretkey": ""}
    reply = await ask(
        forward,
        "POST",
        "customers",
        version="v4.0",
        headers=key_alone,
        json={"customerId": "ann", name: 1},
    )
    assert reply.status == 200
    assert name in platform.seen[-1].json
    query = {"customerId": "ann", name[:400]: "1"}
    reply = await ask(
        forward,
        "GET",
        "configurations/reward-campaigns",
        version="v4.0",
        headers=key_alone,
        params=query,
    )
    assert reply.status == 200
