"""`gateway activity`: what happened, as counts by time."""

from typing import Annotated

import typer

from gateway.cli.admin_client import fetch
from gateway.cli.options import DEFAULT_CONFIG, AsJson, ConfigFile, OnlyChannel, Since, Until
from gateway.cli.output import Columns, note, print_json, print_rows

_COLUMNS: Columns = {
    "at": "at",
    "calls": "calls",
    "refused": "calls_refused",
    "failed": "calls_failed",
    "created": "created",
    "attached": "attached",
    "merged": "merged",
    "split": "split",
    "reviews": "reviews",
    "kept apart": "kept_apart",
    "accepted": "accepted",
    "duplicates": "duplicates",
    "granted": "granted",
    "ignored": "ignored",
    "delivered": "delivered",
    "dead": "dead",
}


def activity(
    channel: OnlyChannel = "",
    since: Since = "",
    until: Until = "",
    step: Annotated[str, typer.Option(help="The span of a row: 1m, 5m, 1h, 1d.")] = "1m",
    config: ConfigFile = DEFAULT_CONFIG,
    json: AsJson = False,
) -> None:
    """Show activity by time: calls, decisions about identity, achievements. Times without any are left out."""
    answer = fetch(config, "/activity", channel=channel, since=since, until=until, step=step)
    if json:
        print_json(answer)
        return
    print_rows(answer["items"], _COLUMNS)
    if not answer["items"]:
        note(f"nothing happened from {answer['since']} to {answer['until']}")
