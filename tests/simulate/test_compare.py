"""`gateway simulate compare`, on small shops."""

import json
from pathlib import Path
from typing import Any

import pytest

from gateway.cli import run
from rules.language.parse import preset


@pytest.mark.soak
def test_a_search_whose_questions_are_answered_finds_more_than_the_rules(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run(["simulate", "compare", "--people", "200", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    rules, merged, few, answered, *splink = told["ways"]
    assert rules["recall"] < answered["recall"]
    assert rules["f1"] < answered["f1"]
    assert rules["recall"] <= merged["recall"] <= few["recall"]
    assert few["questions_per_100_rows"] <= 5 < answered["questions_per_100_rows"]
    assert answered["questions"] >= answered["questions_yes"] > 0
    assert len(splink) == 3
    assert all(0 < way["precision"] <= 1 and 0 < way["recall"] <= 1 for way in told["ways"])


@pytest.mark.soak
def test_several_shops_are_added_up_under_rules_of_ones_own(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    file = tmp_path / "rules.toml"
    file.write_text(preset("strict"))

    def told(*seeds: str) -> dict[str, Any]:
        options = [word for seed in seeds for word in ("--seed", seed)]
        assert run(["simulate", "compare", "--people", "60", "--rules", str(file), *options, "--json"]) == 0
        return json.loads(capsys.readouterr().out)

    one, other, both = told("1"), told("2"), told("1", "2")
    for place in range(4):
        asked = [told["ways"][place]["questions"] for told in (one, other, both)]
        assert asked[0] + asked[1] == asked[2]
    assert one["rows"] + other["rows"] == both["rows"]


def test_a_shape_that_does_not_exist_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["simulate", "compare", "--shape", "kiosk"]) == 2
    assert "kiosk is not a shape" in capsys.readouterr().err
