"""`gateway pin`: a person's decision that two records must, or cannot, be the same person."""

from pathlib import Path
from typing import Annotated, Any

import typer

from gateway.cli.admin_client import Admin, ask, fetch, segment
from gateway.cli.effects import print_effects
from gateway.cli.options import DEFAULT_CONFIG, AsJson, ConfigFile, Cursor, DryRun, PageSize, Why, group
from gateway.cli.output import Columns, Row, note, print_json, print_page, say

app = group("Pin two records together or apart, list pins, remove one.")
One = Annotated[str, typer.Argument(metavar="RECORD", help="rec_…, from `profile show`.")]
Other = Annotated[str, typer.Argument(metavar="RECORD", help="rec_…")]
Until = Annotated[
    str, typer.Option(help="RFC 3339, a date, or a span from now such as 90d; without it, forever.")
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
_SPLIT_COLUMNS: Columns = {
    "split": "id",
    "sides": "sides",
    "records": "records",
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
    dry_run: DryRun = False,
    config: ConfigFile = DEFAULT_CONFIG,
    json: AsJson = False,
) -> None:
    """Two records are one person: their profiles are joined and stay joined."""
    _set(
        {"kind": "must", "records": [record, other], "reason": reason, "until": until, "dry_run": dry_run},
        config,
        as_json=json,
    )


@app.command()
def cannot(
    record: One,
    other: Other,
    reason: Why,
    until: Until = "",
    dry_run: DryRun = False,
    config: ConfigFile = DEFAULT_CONFIG,
    json: AsJson = False,
) -> None:
    """Two records are two persons: no rule joins their profiles."""
    _set(
        {"kind": "cannot", "records": [record, other], "reason": reason, "until": until, "dry_run": dry_run},
        config,
        as_json=json,
    )


@app.command()
def remove(
    record: One,
    other: Other,
    dry_run: DryRun = False,
    config: ConfigFile = DEFAULT_CONFIG,
    json: AsJson = False,
) -> None:
    """Remove a pin. The rules then decide about the two again, in the background."""

    async def dropped(admin: Admin) -> Any:
        asked = {"dry_run": "true"} if dry_run else {}
        return await admin.delete("/pins", a=record, b=other, **asked)

    answer = ask(config, dropped, changes=True)
    if json:
        print_json(answer)
    elif answer["effects"]:
        print_effects(answer["effects"])
        note("the rules then decide about the two, in the background; this is not among the effects")
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
    print_page(
        fetch(config, "/pins", profile=profile, record=record, limit=limit, cursor=cursor),
        _COLUMNS,
        as_json=json,
    )


@app.command()
def splits(
    profile: Annotated[str, typer.Option(help="Only splits of this profile's records.")] = "",
    record: Annotated[str, typer.Option(help="Only splits of this record.")] = "",
    limit: PageSize = 50,
    cursor: Cursor = "",
    config: ConfigFile = DEFAULT_CONFIG,
    json: AsJson = False,
) -> None:
    """List splits whose sides are kept apart."""
    print_page(
        fetch(config, "/splits", profile=profile, record=record, limit=limit, cursor=cursor),
        _SPLIT_COLUMNS,
        as_json=json,
    )


@app.command()
def lift(
    split: Annotated[str, typer.Argument(metavar="SPLIT", help="spl_…, from `pin splits`.")],
    dry_run: DryRun = False,
    config: ConfigFile = DEFAULT_CONFIG,
    json: AsJson = False,
) -> None:
    """Stop keeping the sides of a split apart. The rules then decide about them, in the background."""
    asked = {"dry_run": "true"} if dry_run else {}
    answer = ask(config, lambda admin: admin.delete(f"/splits/{segment(split)}", **asked), changes=True)
    if json:
        print_json(answer)
    elif answer["effects"]:
        print_effects(answer["effects"])
        note("the rules then decide about its sides, in the background; this is not among the effects")
    else:
        say(f"the sides of {split} {'are no longer' if answer['changed'] else 'were not'} kept apart")


def _set(body: Row, config: Path, *, as_json: bool) -> None:
    answer = ask(config, lambda admin: admin.post("/pins", body), changes=True)
    if as_json:
        print_json(answer)
        return
    if answer["effects"]:
        print_effects(answer["effects"])
        return
    were = "are pinned" if answer["changed"] else "were pinned before"
    say(f"{' and '.join(answer['records'])} {were}: {answer['kind']}, on {' and '.join(answer['profiles'])}")
