"""The presets are valid rule files, and differ in what joins."""

import pytest

from rules.language.parse import PRESETS, preset
from tests.support.rule_texts import valid


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_is_valid_and_declares_no_id_space(name: str) -> None:
    rule_set = valid(preset(name))
    assert rule_set.text == preset(name)
    assert not rule_set.id_spaces


def test_an_unknown_preset_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ValueError, match="email, mobile, email-or-mobile, retail, strict"):
        preset("../rulefile")


def test_presets_differ_in_the_evidence_that_joins() -> None:
    rules = {name: valid(preset(name)).rules for name in PRESETS}
    joining = {
        name: [each.all_of for each in found if each.outcome == "merge"] for name, found in rules.items()
    }
    assert joining == {
        "email": [("email",)],
        "mobile": [("mobile",)],
        "email-or-mobile": [("mobile", "email"), ("mobile",), ("email",)],
        "retail": [("mobile", "email"), ("mobile",), ("email",)],
        "strict": [("loyalty_id",), ("mobile", "email")],
    }
