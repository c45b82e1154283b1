"""The line of every path in a TOML text."""

import tomllib
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rules.language.toml_lines import Path, line_of, locate

TRICKY = r"""# [comment] = 1
top = 1 # ]]
"quoted [key]" = QQQ
[not.a.table]
key = "no" \QQQ
QQQ""
[a."b.c".'d']   # a header with quoted parts
x . y = 'single # no comment'
list = [ # [
  "one]", AAA
[[rule]]
AAA,
  [1,
   2], { k = "}", l = [
     3] },
]
[[rule]]
name = "first"
[[rule]]
name = "second"
[rule.sub]
deep = 1979-05-27 07:32:00
[[rule.sub.list]]
[[rule.sub.list]]
v = -1_000.5e3
[[rule]]
"n\u0061me" = "third"
""".replace("QQQ", '"' * 3).replace("AAA", "'" * 3)


@pytest.mark.parametrize(
    ("path", "line"),
    [
        (("top",), 2),
        (("quoted [key]",), 3),
        (("a",), 7),
        (("a", "b.c", "d"), 7),
        (("a", "b.c", "d", "x"), 8),
        (("a", "b.c", "d", "x", "y"), 8),
        (("a", "b.c", "d", "list"), 9),
        (("a", "b.c", "d", "list", 0), 10),
        (("a", "b.c", "d", "list", 1), 10),
        (("a", "b.c", "d", "list", 2, 0), 13),
        (("a", "b.c", "d", "list", 2, 1), 14),
        (("a", "b.c", "d", "list", 3, "k"), 14),
        (("a", "b.c", "d", "list", 3, "l", 0), 15),
        (("rule",), 17),
        (("rule", 0, "name"), 18),
        (("rule", 1), 19),
        (("rule", 1, "name"), 20),
        (("rule", 1, "sub", "deep"), 22),
        (("rule", 1, "sub", "list", 1), 24),
        (("rule", 1, "sub", "list", 1, "v"), 25),
        (("rule", 2, "name"), 27),
    ],
)
def test_strings_arrays_and_tables_do_not_confuse_the_lines(path: Path, line: int) -> None:
    assert set(paths(tomllib.loads(TRICKY))) <= locate(TRICKY).keys()
    assert locate(TRICKY)[path] == line


def test_a_path_that_is_absent_has_the_line_of_what_is_around_it() -> None:
    lines = locate("a = 1\n[b]\nc = [1]\n")
    assert line_of(lines, ("b", "c", 7, "d")) == 3
    assert line_of(lines, ("b", "missing")) == 2
    assert line_of(lines, ("missing",)) == 0


def paths(value: Any, path: Path = ()) -> Iterator[Path]:
    """Every path in a loaded document."""
    children = (
        enumerate(value) if isinstance(value, list) else value.items() if isinstance(value, dict) else ()
    )
    for key, child in children:
        yield (*path, key)
        yield from paths(child, (*path, key))


MARKS = ["[", "]", "[[", "]]", "{", "}", "=", ",", ".", "\n", " ", "#", "\\", "'" * 3, '"' * 3]
WORDS = ["a", "b", "1", "'a'", '"b"']
LINES = [
    "[a]\n",
    "[[a]]\n",
    "[a.b]\n",
    "[[a.b]]\n",
    "b = [\n1,\n[2]]\n",
    "c.d = {e = '}', f = [{}]}\n",
    "'g' = 1 #\n",
]


@settings(max_examples=500, deadline=None)
@given(st.lists(st.sampled_from([*MARKS, *WORDS, *LINES, *LINES])).map("".join))
def test_every_path_that_tomllib_builds_is_located(text: str) -> None:
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return
    lines = locate(text)
    assert set(paths(document)) == lines.keys()
    assert all(1 <= line <= text.count("\n") + 1 for line in lines.values())
