"""`gateway merges`: what was joined, by which rule, what an undo would do, and an undo of all that match a filter."""

from typing import Annotated

import typer

from gateway.cli.admin_client import fetch, segment
from gateway.cli.bulk import WhyMany, Work, start_job
from gateway.cli.confirm import Yes
from gateway.cli.effects import print_consequence
from gateway.cli.options import (
    DEFAULT_CONFIG,
    AsJson,
    ConfigFile,
    Cursor,
    DryRun,
    PageSize,
    Since,
    Until,
    group,
)
from gateway.cli.output import Columns, Row, plain, print_json, print_page, print_rows, say
from gateway.plural import counted

app = group("List merges, show one, count them by day and rule, and undo many.")
Rule = Annotated[str, typer.Option(help="Only merges by this rule; `operator` for those by hand.")]
Channel = Annotated[str, typer.Option(help="Only merges that calls of this channel caused.")]
Actor = Annotated[str, typer.Option(help="Only merges by this actor, as the list names it.")]
Import = Annotated[str, typer.Option("--import", help="Only merges that this import caused.")]
_COLUMNS: Columns = {
    "merge": "id",
    "person": "person",
    "rule": "rule",
    "by": "actor",
    "at": "merged_at",
    "undone": "undone_at",
}
_UNDO = Work(
    "/merges/undo",
    "merge",
    "merge",
    "Undo {}?",
    "{} would be undone",
    {"merge": "id", "person": "person", "rule": "rule", "at": "merged_at"},
)


@app.command("list")
def list_(
    rule: Rule = "",
    channel: Channel = "",
    actor: Actor = "",
    import_id: Import = "",
    state: Annotated[str, typer.Option(help="standing or undone; both with an empty one.")] = "",
    since: Since = "",
    until: Until = "",
    limit: PageSize = 50,
    cursor: Cursor = "",
    config: ConfigFile = DEFAULT_CONFIG,
    json: AsJson = False,
) -> None:
    """List merges, newest first."""
    filters = {"rule": rule, "channel": channel, "actor": actor, "import_id": import_id, "state": state}
    print_page(
        fetch(config, "/merges", **filters, since=since, until=until, limit=limit, cursor=cursor),
        _COLUMNS,
        as_json=json,
    )


@app.command()
def show(
    merge: Annotated[str, typer.Argument(metavar="MERGE", help="mrg_…, from `merges list`.")],
    config: ConfigFile = DEFAULT_CONFIG,
    json: AsJson = False,
) -> None:
    """Show one merge, and what its undo would do."""
    answer = fetch(config, f"/merges/{segment(merge)}")
    if json:
        print_json(answer)
        return
    say(f"{answer['id']}: {answer['absorbed']} became one with {answer['survivor']} at {answer['merged_at']}")
    say(
        f"now {plain(answer['person']) or 'erased'}; by {plain(answer['actor'])}, rule {plain(answer['rule'])}"
    )
    say(f"before: {_side('survivor', answer)} and {_side('absorbed', answer)}")
    if answer["undone_at"]:
        say(f"undone at {answer['undone_at']}")
    else:
        print_consequence("an undo", answer["undo"])


def _side(name: str, merge: Row) -> str:
    shown, count = merge[f"{name}_records"][:3], merge[f"{name}_record_count"]
    more = f" and {count - len(shown):,} more" if count > len(shown) else ""
    return f"{counted(count, 'record')} ({' '.join(shown)}{more})"


@app.command()
def counts(
    since: Since = "", until: Until = "", config: ConfigFile = DEFAULT_CONFIG, json: AsJson = False
) -> None:
    """Count merges by day and rule; the last 30 days unless told otherwise."""
    answer = fetch(config, "/merges/counts", since=since, until=until)
    if json:
        print_json(answer)
    else:
        print_rows(answer["days"], {"day": "day", "rule": "rule", "merges": "merged", "undone": "undone"})


@app.command()
def undo(
    reason: WhyMany,
    rule: Rule = "",
    channel: Channel = "",
    actor: Actor = "",
    import_id: Import = "",
    since: Since = "",
    until: Until = "",
    dry_run: DryRun = False,
    yes: Yes = False,
    config: ConfigFile = DEFAULT_CONFIG,
    json: AsJson = False,
) -> None:
    """Undo all merges that match the filters, as a job in the background."""
    filters = {"rule": rule, "channel": channel, "actor": actor, "import_id": import_id}
    body = {**filters, "since": since, "until": until, "reason": reason}
    start_job(_UNDO, body, config, dry_run=dry_run, yes=yes, as_json=json)
