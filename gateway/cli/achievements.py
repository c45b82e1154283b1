"""`gateway achievements`: accepted achievements and their results."""

from typing import Annotated, Any

import typer

from gateway.cli.admin_client import Admin, ask, segment
from gateway.cli.options import DEFAULT_CONFIG, AsJson, ConfigFile, Cursor, PageSize, group
from gateway.cli.output import Columns, print_json, print_page, say
from gateway.cli.profile import ACHIEVEMENTS

app = group("List achievements, and decide about or report one again.")
_COLUMNS: Columns = {**ACHIEVEMENTS, "profile": "profile"}


@app.command("list")
def list_(
    state: Annotated[
        str, typer.Option(help="accepted, granted, ignored or failed; queued, delivered or dead.")
    ] = "",
    profile: str = "",
    campaign: Annotated[int | None, typer.Option(help="The campaign's id.")] = None,
    limit: PageSize = 50,
    cursor: Cursor = "",
    config: ConfigFile = DEFAULT_CONFIG,
    json: AsJson = False,
) -> None:
    """List achievements, newest first."""

    async def listed(admin: Admin) -> Any:
        return await admin.get(
            "/achievements", state=state, profile=profile, campaign=campaign, limit=limit, cursor=cursor
        )

    print_page(ask(config, listed), _COLUMNS, as_json=json)


@app.command()
def retry(
    achievement: Annotated[str, typer.Argument(metavar="ACHIEVEMENT", help="ach_…")],
    config: ConfigFile = DEFAULT_CONFIG,
    json: AsJson = False,
) -> None:
    """Decide about an ignored or failed achievement again, or report a dead one again. This takes up to a second."""

    async def retried(admin: Admin) -> Any:
        return await admin.post(f"/achievements/{segment(achievement)}/retry")

    answer = ask(config, retried, changes=True)
    if json:
        print_json(answer)
    else:
        say(
            f"{achievement} is due now"
            if answer["changed"]
            else f"{achievement} is still waiting to be decided"
        )
