"""`gateway merge`, `split` and `undo`: an operator changes the records of a profile."""

from typing import Annotated, Any

import typer

from gateway.cli.admin_client import Admin, ask, segment
from gateway.cli.effects import print_effects
from gateway.cli.options import DEFAULT_CONFIG, AsJson, ConfigFile, DryRun, Why
from gateway.cli.output import Row, print_json, say

IfVersion = Annotated[
    int | None,
    typer.Option("--if-version", min=0, help="Only while the profile has this version (`profile show`)."),
]


def merge(
    profile: Annotated[str, typer.Argument(metavar="PROFILE", help="prf_…")],
    other: Annotated[str, typer.Argument(metavar="PROFILE", help="prf_…, the one that is the same person.")],
    reason: Why,
    if_version: IfVersion = None,
    dry_run: DryRun = False,
    config: ConfigFile = DEFAULT_CONFIG,
    json: AsJson = False,
) -> None:
    """Join two profiles and pin them together; the total of their points stays the same."""

    async def merged(admin: Admin) -> Any:
        body = {"profiles": [profile, other], "reason": reason, "dry_run": dry_run}
        return await admin.post("/merges", body, if_version=if_version)

    answer = ask(config, merged, changes=True)
    if json:
        print_json(answer)
    elif answer["effects"]:
        print_effects(answer["effects"])
    elif answer["changed"]:
        say(f"one profile now: {_named(answer)}\nundo it with: gateway undo {answer['merge']} --reason …")
    else:
        say(f"they are already one profile: {_named(answer)}")


def split(
    profile: Annotated[str, typer.Argument(metavar="PROFILE", help="prf_…")],
    reason: Why,
    record: Annotated[
        list[str] | None,
        typer.Option("--record", help="rec_…, a record that leaves; may be given several times."),
    ] = None,
    mode: Annotated[
        str,
        typer.Option(
            help="plain: only these; tree: also the records that were absorbed with them; all: every record on its own."
        ),
    ] = "plain",
    if_version: IfVersion = None,
    dry_run: DryRun = False,
    config: ConfigFile = DEFAULT_CONFIG,
    json: AsJson = False,
) -> None:
    """Take records out of a profile and pin the two sides apart; points stay on their records."""

    async def parted(admin: Admin) -> Any:
        body = {"records": record or [], "mode": mode, "reason": reason, "dry_run": dry_run}
        return await admin.post(f"/profiles/{segment(profile)}/split", body, if_version=if_version)

    _print_parts(ask(config, parted, changes=True), as_json=json)


def undo(
    merge_id: Annotated[
        str, typer.Argument(metavar="MERGE", help="mrg_…, from `profile show` or the audit log.")
    ],
    reason: Why,
    tree: Annotated[
        bool, typer.Option("--tree", help="Leave records that have moved since where they are.")
    ] = False,
    if_version: IfVersion = None,
    dry_run: DryRun = False,
    config: ConfigFile = DEFAULT_CONFIG,
    json: AsJson = False,
) -> None:
    """Undo one merge and pin the two sides apart."""

    async def undone(admin: Admin) -> Any:
        body = {"reason": reason, "tree": tree, "dry_run": dry_run}
        return await admin.post(f"/merges/{segment(merge_id)}/undo", body, if_version=if_version)

    _print_parts(ask(config, undone, changes=True), as_json=json)


def _print_parts(answer: Row, *, as_json: bool) -> None:
    if as_json:
        print_json(answer)
    elif answer["effects"]:
        print_effects(answer["effects"])
    elif answer["changed"]:
        waiting = answer["waiting"]
        later = f"; {waiting} more leave in the background" if waiting else ""
        say(f"{_named(answer)} stays; split off: {' '.join(answer['parts'])}{later}")
    else:
        say(f"that merge was undone before; {_named(answer)}")


def _named(answer: Row) -> str:
    return f"{answer['profile']} (version {answer['version']})"
