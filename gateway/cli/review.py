"""`gateway review`: the questions that the rules leave to a person."""

from pathlib import Path
from typing import Annotated, Any

import typer

from gateway.cli.connection import Admin, ask, segment
from gateway.cli.effects import DryRun, print_effects
from gateway.cli.options import DEFAULT_CONFIG, AsJson, ConfigFile, Cursor, PageSize, group
from gateway.cli.output import Columns, Row, print_json, print_page, say

app = group("List and answer the questions that the rules leave to a person.")
ReviewId = Annotated[str, typer.Argument(metavar="REVIEW", help="rev_…, from `review list`.")]
Why = Annotated[str, typer.Option("--reason", help="Why; kept in the audit log.")]
_COLUMNS: Columns = {
    "review": "id",
    "profiles": lambda review: " ".join(review["profiles"]),
    "state": "state",
    "reason": "reason",
    "rule": "rule",
    "they meet on": lambda review: ", ".join(review["types"]),
    "records": lambda review: " ".join(review["records"]),
    "opened": "opened_at",
    "closed": "closed_at",
    "by": "closed_by",
}


@app.command("list")
def list_(
    state: Annotated[
        str, typer.Option(help="open, accepted, rejected or stale; all of them with an empty one.")
    ] = "open",
    limit: PageSize = 50,
    cursor: Cursor = "",
    config: ConfigFile = DEFAULT_CONFIG,
    json: AsJson = False,
) -> None:
    """List questions, newest first; the open ones unless told otherwise."""

    async def listed(admin: Admin) -> Any:
        return await admin.get("/reviews", state=state, limit=limit, cursor=cursor)

    print_page(ask(config, listed), _COLUMNS, as_json=json)


@app.command()
def accept(
    review: ReviewId,
    reason: Why = "",
    dry_run: DryRun = False,
    config: ConfigFile = DEFAULT_CONFIG,
    json: AsJson = False,
) -> None:
    """Yes: they are one person; or the records leave; or the keys are the other side's."""
    _answer(review, "accept", {"reason": reason, "dry_run": dry_run}, config, as_json=json)


@app.command()
def reject(
    review: ReviewId,
    reason: Why = "",
    dry_run: DryRun = False,
    config: ConfigFile = DEFAULT_CONFIG,
    json: AsJson = False,
) -> None:
    """No: they are two persons; or the records stay; or the keys stay."""
    _answer(review, "reject", {"reason": reason, "dry_run": dry_run}, config, as_json=json)


def _answer(review: str, verdict: str, body: Row, config: Path, *, as_json: bool) -> None:
    async def answered(admin: Admin) -> Any:
        return await admin.post(f"/reviews/{segment(review)}/{verdict}", body)

    answer = ask(config, answered, changes=True)
    if as_json:
        print_json(answer)
        return
    if answer["effects"]:
        print_effects(answer["effects"])
        return
    was = "is" if answer["changed"] else "was"
    say(f"{review} {was} {answer['state']}: {' and '.join(answer['now']) or 'the profiles were erased'}")
