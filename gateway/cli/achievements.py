"""`gateway achievements`: accepted achievements and their results."""

from typing import Annotated

import typer

from gateway.cli.admin_client import ask, fetch, segment
from gateway.cli.bulk import WhyMany, Work, start_job
from gateway.cli.confirm import Yes
from gateway.cli.failure import MISUSED, Failure
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
from gateway.cli.output import Columns, print_json, print_page, say
from gateway.cli.profile import ACHIEVEMENTS

app = group("List achievements, and decide about or report one again.")
_COLUMNS: Columns = {**ACHIEVEMENTS, "profile": "profile"}
_RETRY = Work(
    "/achievements/retry", "achievement", "achievement", "Retry {}?", "{} would be retried", ACHIEVEMENTS
)


@app.command("list")
def list_(
    state: Annotated[
        str, typer.Option(help="accepted, granted, ignored or failed; queued, delivered or dead.")
    ] = "",
    profile: str = "",
    campaign: Annotated[int | None, typer.Option(help="The campaign's id.")] = None,
    since: Since = "",
    until: Until = "",
    limit: PageSize = 50,
    cursor: Cursor = "",
    config: ConfigFile = DEFAULT_CONFIG,
    json: AsJson = False,
) -> None:
    """List achievements, newest first."""
    filters = {"state": state, "profile": profile, "campaign": campaign, "since": since, "until": until}
    answer = fetch(config, "/achievements", **filters, limit=limit, cursor=cursor)
    print_page(answer, _COLUMNS, as_json=json)


@app.command()
def retry(
    achievement: Annotated[str, typer.Argument(metavar="[ACHIEVEMENT]", help="ach_…")] = "",
    whole: Annotated[
        str, typer.Option("--all", help="Instead of an id: all that are `failed`, `ignored` or `dead`.")
    ] = "",
    campaign: Annotated[int | None, typer.Option(help="Only of this campaign.")] = None,
    since: Since = "",
    until: Until = "",
    reason: WhyMany = "",
    dry_run: DryRun = False,
    yes: Yes = False,
    config: ConfigFile = DEFAULT_CONFIG,
    json: AsJson = False,
) -> None:
    """Decide about an ignored or failed achievement again, or report a dead one again. This takes up to a second. With --all, as a
    job in the background."""
    if bool(achievement) == bool(whole) or whole not in ("", "failed", "ignored", "dead"):
        raise Failure("name an achievement, or give --all failed, --all ignored or --all dead", MISUSED)
    chosen = {"campaign": campaign, "since": since, "until": until, "reason": reason}
    if whole:
        body = {"state": whole, **chosen}
        start_job(_RETRY, body, config, dry_run=dry_run, yes=yes, as_json=json)
        return
    if dry_run or any(chosen.values()):
        raise Failure("filters, --reason and --dry-run belong to --all", MISUSED)
    answer = ask(
        config, lambda admin: admin.post(f"/achievements/{segment(achievement)}/retry"), changes=True
    )
    if json:
        print_json(answer)
    else:
        say(
            f"{achievement} is due now"
            if answer["changed"]
            else f"{achievement} is still waiting to be decided"
        )
