"""`gateway lists`: telephone numbers that belong to the shops themselves, not to customers."""

from pathlib import Path
from typing import Annotated

import typer

from gateway.cli.admin_client import ask, fetch, segment
from gateway.cli.options import DEFAULT_CONFIG, AsJson, ConfigFile, Cursor, PageSize, Since, Until, group
from gateway.cli.output import Columns, note, print_json, print_page, say
from gateway.plural import counted

app = group("Show and change the lists that a rule file names as `own:NAME`.")
Name = Annotated[str, typer.Argument(metavar="LIST", help="As in `own:LIST`.")]
Numbers = Annotated[
    list[str],
    typer.Argument(
        metavar="NUMBER", help="With + and country code, or with --region; or val_…, from `lists generic`."
    ),
]
Region = Annotated[str, typer.Option(help="Where national numbers belong: two letters, such as EG.")]
_LISTS: Columns = {"list": "name", "numbers": "size", "in use": lambda row: "yes" if row["in_use"] else "no"}
_GENERIC: Columns = {
    "value": "mask",
    "type": "type",
    "now": "state",
    "would join": lambda row: counted(row["profiles"], "profile"),
    "split": "split",
    "questions": "asked",
    "found": "found_at",
    "looked at": "looked_at",
    "id": "id",
}
_VALUES: Columns = {"number": "value", "added": "added_at", "by": "added_by"}


@app.command()
def show(
    name: Annotated[
        str, typer.Argument(metavar="LIST", help="As in `own:LIST`; without it, all lists.")
    ] = "",
    limit: PageSize = 50,
    cursor: Cursor = "",
    config: ConfigFile = DEFAULT_CONFIG,
    json: AsJson = False,
) -> None:
    """Show one list, or the names of all lists."""
    if name:
        values = fetch(config, f"/lists/{segment(name)}", limit=limit, cursor=cursor)
        print_page(values, _VALUES, as_json=json)
    else:
        print_page(fetch(config, "/lists"), _LISTS, as_json=json)


@app.command()
def generic(
    type_: Annotated[str, typer.Option("--type", help="Only this type of identifier.")] = "",
    since: Since = "",
    until: Until = "",
    limit: PageSize = 50,
    cursor: Cursor = "",
    config: ConfigFile = DEFAULT_CONFIG,
    json: AsJson = False,
) -> None:
    """Show values that newly join too many. One that belongs to the shops is a case for `lists add LIST val_…`."""
    window = {"since": since, "until": until, "limit": limit, "cursor": cursor}
    print_page(fetch(config, "/generic-values", type=type_, **window), _GENERIC, as_json=json)


@app.command()
def add(
    name: Name,
    numbers: Numbers,
    region: Region = "",
    config: ConfigFile = DEFAULT_CONFIG,
    json: AsJson = False,
) -> None:
    """Put numbers on a list. They stop joining customers; the rules' `resplit` decides about the profiles they joined."""
    _change(name, numbers, region, config, listed=True, as_json=json)


@app.command()
def remove(
    name: Name,
    numbers: Numbers,
    region: Region = "",
    config: ConfigFile = DEFAULT_CONFIG,
    json: AsJson = False,
) -> None:
    """Take numbers off a list, so that they can join customers again."""
    _change(name, numbers, region, config, listed=False, as_json=json)


def _change(name: str, numbers: list[str], region: str, config: Path, *, listed: bool, as_json: bool) -> None:
    path, body = f"/lists/{segment(name)}", {"values": numbers, "region": region}
    answer = ask(
        config, lambda admin: admin.post(path, body) if listed else admin.delete(path, body), changes=True
    )
    if as_json:
        print_json(answer)
        return
    done = "added to" if listed else "removed from"
    say(f"{answer['changed']} of {len(answer['values'])} {done} {name}")
    if not answer["in_use"]:
        note(f'the active rules do not use it: write phones = ["own:{name}"] under [blocked]')
