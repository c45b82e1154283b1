"""`gateway rules diff` and `gateway rules stats`: how rule sets differ, and what their rules did."""

from typing import Annotated

import typer

from gateway.cli.admin_client import fetch, segment
from gateway.cli.options import DEFAULT_CONFIG, AsJson, ConfigFile, Since, Until
from gateway.cli.output import Columns, note, print_json, print_rows, say

_SIGNS = {"same": " ", "removed": "-", "added": "+"}
_HITS: Columns = {
    "at": "at",
    "rule": "rule",
    "created": "created",
    "attached": "attached",
    "merged": "merged",
    "reviews": "reviews",
    "kept apart": "kept_apart",
}


def diff(
    a: Annotated[str, typer.Argument(metavar="A", help="A version, from `rules list`.")],
    b: Annotated[str, typer.Argument(metavar="B", help="Another version.")],
    config: ConfigFile = DEFAULT_CONFIG,
    json: AsJson = False,
) -> None:
    """Show how the texts of two stored rule sets differ."""
    found = fetch(config, "/rules/diff", a=a, b=b)
    if json:
        print_json(found)
        return
    before = 0
    for line in found["lines"]:
        at = line["a"] or line["b"]
        if line["a"] is not None and line["a"] > before + 1:
            say(f"@@ line {at} of {a} @@")
        before = line["a"] or before
        say(f"{_SIGNS[line['kind']]} {line['text']}")
    if not found["lines"]:
        note(f"{a} and {b} have the same text")


def stats(
    version: Annotated[str, typer.Argument(metavar="VERSION", help="From `rules list`.")],
    since: Since = "",
    until: Until = "",
    step: Annotated[str, typer.Option(help="The span of a row: 1h, 6h, 1d.")] = "1d",
    config: ConfigFile = DEFAULT_CONFIG,
    json: AsJson = False,
) -> None:
    """Show what each rule of a stored rule set did, by time."""
    found = fetch(config, f"/rules/{segment(version)}/stats", since=since, until=until, step=step)
    if json:
        print_json(found)
        return
    print_rows(found["items"], _HITS)
    if not found["items"]:
        note(f"its rules decided nothing from {found['since']} to {found['until']}")
