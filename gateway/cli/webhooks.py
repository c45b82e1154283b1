"""`gateway webhooks`: the state of each webhook, and a test event for one."""

from typing import Annotated

import typer

from gateway.cli.admin_client import ask, fetch, segment
from gateway.cli.options import DEFAULT_CONFIG, AsJson, ConfigFile, Cursor, PageSize, group
from gateway.cli.output import Columns, print_json, print_page, say

app = group("List webhooks, and send one a test event.")
_COLUMNS: Columns = {
    "webhook": "name",
    "waiting": "waiting",
    "since": "waiting_since",
    "attempts": "attempts",
    "status": "status",
    "held": "held",
    "dead": "dead",
    "events": lambda one: " ".join(one["events"]),
}


@app.command("list")
def list_(
    limit: PageSize = 50, cursor: Cursor = "", config: ConfigFile = DEFAULT_CONFIG, json: AsJson = False
) -> None:
    """List webhooks with the events that wait for each."""
    print_page(fetch(config, "/webhooks", limit=limit, cursor=cursor), _COLUMNS, as_json=json)


@app.command("test")
def send_test(
    webhook: Annotated[str, typer.Argument(metavar="WEBHOOK", help="The webhook's name in the settings.")],
    config: ConfigFile = DEFAULT_CONFIG,
    json: AsJson = False,
) -> None:
    """Send a test event to one webhook. `gateway deliveries show` shows its delivery."""
    answer = ask(config, lambda admin: admin.post(f"/webhooks/{segment(webhook)}/test"), changes=True)
    if json:
        print_json(answer)
    else:
        say(f"{answer['delivery']} is queued for {webhook}")
