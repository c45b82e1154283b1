"""`gateway import list`: the imports, newest first."""

from gateway.cli.admin_client import fetch
from gateway.cli.options import DEFAULT_CONFIG, AsJson, ConfigFile, Cursor, OnlyChannel, PageSize
from gateway.cli.output import Columns, print_page

_COLUMNS: Columns = {
    "id": lambda row: f"imp_{row['id']}",
    "channel": "channel",
    "state": lambda row: row["state"].replace("_", " "),
    "started": "started_at",
    "finished": "finished_at",
    "lines": "lines",
    "rejected": lambda row: row["counts"].get("rejected", 0),
    "unusable": lambda row: sum(row["unusable"].values()),
}


def list_(
    channel: OnlyChannel = "",
    limit: PageSize = 50,
    cursor: Cursor = "",
    config: ConfigFile = DEFAULT_CONFIG,
    json: AsJson = False,
) -> None:
    """List imports, newest first."""
    print_page(
        fetch(config, "/imports", channel=channel, limit=limit, cursor=cursor),
        _COLUMNS,
        as_json=json,
    )
