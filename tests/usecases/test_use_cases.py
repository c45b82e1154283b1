"""The table of use cases: what a command says of its outcomes is what its use case answers."""

from __future__ import annotations

from types import UnionType
from typing import Any, get_args, get_type_hints

import pytest

from gateway.model import AnyCommand
from gateway.usecases.dispatch import USE_CASES


def members(kind: Any) -> set[type]:
    return set(get_args(kind)) if isinstance(kind, UnionType) else {kind}


@pytest.mark.parametrize("command", USE_CASES, ids=lambda command: command.__name__)
def test_a_use_case_answers_what_its_command_says(command: type[AnyCommand]) -> None:
    (base,) = command.__orig_bases__  # type: ignore[attr-defined]
    (declared,) = get_args(base)
    _, carry_out = USE_CASES[command]
    hints = get_type_hints(carry_out)
    assert hints["command"] is command or command in members(hints["command"])
    assert members(hints["return"]) == members(declared)
