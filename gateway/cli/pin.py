"""`gateway pin`: a person's decision that two records must, or cannot, be the same person."""

from pathlib import Path
from typing import Annotated, Any

import typer

from gateway.cli.admin_client import Admin, ask
from gateway.cli.options import DEFAULT_CONFIG, AsJson, ConfigFile, Cursor, PageSize, group
from gateway.cli.output import Columns, print_json, print_page, say
from gateway.cli.shape import Why

app = group("Pin two records together or apart, list pins, remove one.")
One = Annotated[str, typer.Argument(metavar="RECORD", help="rec_…, from `profile show`.")]
Other = Annotated[str, typer.Argument(metavar="RECORD", help="rec_…")]
Until = Annotated[
    str, typer.Option(help="RFC 3339, a date, or a span from now such as 90d; for ever without it.")
]
_COLUMNS: Columns = {
    "records": lambda pin: " ".join(pin["records"]),
    "kind": "kind",
    "profiles": lambda pin: " ".join(pin["profiles"]),
    "reason": "reason",
    "by": "actor",
    "since": "created_at",
    "until": "until",
}


@app.command()
def must(
    record: One,
    other: Other,
    reason: Why,
    until: Until = "",
    config: ConfigFile = DEFAULT_CONFIG,
    json: AsJson = False,
) -> None:
    """Two records are one person: their profiles are joined and stay joined."""
    _set("must", [record, other], reason, until, config, as_json=json)


@app.command()
def cannot(
    record: One,
    other: Other,
    reason: Why,
    until: Until = "",
    config: ConfigFile = DEFAULT_CONFIG,
    json: AsJson = False,
) -> None:
    """Two records are two persons: no rule joins their profiles."""
    _set("cannot", [record, other], reason, until, config, as_json=json)


@app.command()
def remove(record: One, other: Other, config: ConfigFile = DEFAULT_CONFIG, json: AsJson = False) -> None:
    """Remove a pin. The rules then decide about the two again, in the background."""

    async def dropped(admin: Admin) -> Any:
        return await admin.delete("/pins", a=record, b=other)

    answer = ask(config, dropped, changes=True)
    if json:
        print_json(answer)
    else:
        say(f"{record} and {other} {'are no longer' if answer['changed'] else 'were not'} pinned")


@app.command("list")
def list_(
    profile: Annotated[str, typer.Option(help="Only pins of this profile's records.")] = "",
    record: Annotated[str, typer.Option(help="Only pins of this record.")] = "",
    limit: PageSize = 50,
    cursor: Cursor = "",
    config: ConfigFile = DEFAULT_CONFIG,
    json: AsJson = False,
) -> None:
    """List pins and where their records are now."""

    async def listed(admin: Admin) -> Any:
        return await admin.get("/pins", profile=profile, record=record, limit=limit, cursor=cursor)

    print_page(ask(config, listed), _COLUMNS, as_json=json)


def _set(kind: str, records: list[str], reason: str, until: str, config: Path, *, as_json: bool) -> None:
    async def pinned(admin: Admin) -> Any:
        return await admin.post("/pins", {"records": records, "kind": kind, "reason": reason, "until": until})

    answer = ask(config, pinned, changes=True)
    if as_json:
        print_json(answer)
        return
    were = "are pinned" if answer["changed"] else "were pinned before"
    say(f"{' and '.join(records)} {were}: {kind}, on {' and '.join(answer['profiles'])}")
