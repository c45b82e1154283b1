"""Id spaces that a rule file names, held against those that there are."""

import pytest

from rules.language.parse import PRESETS, parse, preset
from rules.language.problems import describe
from rules.language.references import named_id_spaces, unknown_id_spaces
from rules.ruleset import RuleSet
from tests.support.rule_texts import MINIMAL

KNOWN = ("web", "pos", "app")


def read(text: str) -> RuleSet:
    rules = parse(text)
    assert isinstance(rules, RuleSet), rules
    return rules


@pytest.mark.parametrize(
    ("more", "line", "path"),
    [
        ('id_spaces = ["webb"]', 10, "rule[1].id_spaces[1]"),
        ('id_spaces = ["pos", "Web"]', 10, "rule[1].id_spaces[2]"),
        ("[id_space.webs]\\ntrust = 60", 10, "id_space.webs"),
        ('[merge]\\nsurvivor = ["id_space:wbe", "lowest_id"]', 11, "merge.survivor[1]"),
        ('[merge]\\nsurvivor = ["oldest", "id_space:weeb", "lowest_id"]', 11, "merge.survivor[2]"),
        ('[attributes]\\ndefault = "id_space_order:pos,webe"', 11, "attributes.default"),
        ('[attributes]\\nlastName = "id_space_order:wweb,pos"', 11, "attributes.lastName"),
    ],
)
def test_an_unknown_id_space_is_reported_with_its_line_and_the_nearest_name(
    more: str, line: int, path: str
) -> None:
    (problem,) = unknown_id_spaces(read(MINIMAL + more.replace("\\n", "\n")), KNOWN)
    assert (problem.line, problem.path) == (line, path)
    assert problem.remedy.startswith('did you mean "web"?')


def test_a_declared_unknown_id_space_is_reported_once_at_its_table() -> None:
    text = (
        MINIMAL
        + 'id_spaces = ["till"]\n[id_space.till]\n[merge]\nsurvivor = ["id_space:till", "lowest_id"]\n'
    )
    assert describe(unknown_id_spaces(read(text), KNOWN)).startswith("line 11: id_space.till: ")
    assert len(unknown_id_spaces(read(text), KNOWN)) == 1
    assert unknown_id_spaces(read(text), (*KNOWN, "till")) == ()


@pytest.mark.parametrize("name", PRESETS)
def test_the_presets_name_no_id_space(name: str) -> None:
    assert named_id_spaces(read(preset(name))) == frozenset()
