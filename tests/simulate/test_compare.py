"""`gateway simulate compare`, on a small shop."""

import json

import pytest

from gateway.cli import run


@pytest.mark.soak
def test_a_search_whose_questions_are_answered_finds_more_than_the_rules(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run(["simulate", "compare", "--people", "200", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    rules, merged, answered, *splink = told["ways"]
    assert rules["recall"] < answered["recall"]
    assert rules["f1"] < answered["f1"]
    assert rules["recall"] <= merged["recall"]
    assert answered["questions"] > 0
    assert len(splink) == 3
    assert all(0 < way["precision"] <= 1 and 0 < way["recall"] <= 1 for way in told["ways"])


def test_a_shape_that_does_not_exist_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["simulate", "compare", "--shape", "kiosk"]) == 2
    assert "kiosk is not a shape" in capsys.readouterr().err
