"""`gateway campaigns`: the results of the achievements of each campaign."""

from gateway.cli.admin_client import fetch
from gateway.cli.options import DEFAULT_CONFIG, AsJson, ConfigFile, Cursor, PageSize, Since, Until
from gateway.cli.output import Columns, Row, print_page

_COLUMNS: Columns = {
    "id": "id",
    "campaign": "name",
    "accepted": "accepted",
    "duplicates": "duplicates",
    "granted": "granted",
    "delivered": "delivered",
    "ignored": lambda row: _by_reason(row["ignored"]),
    "failed": lambda row: _by_reason(row["failed"]),
    "dead": lambda row: _by_reason(row["dead"]),
}


def campaigns(
    since: Since = "",
    until: Until = "",
    limit: PageSize = 50,
    cursor: Cursor = "",
    config: ConfigFile = DEFAULT_CONFIG,
    json: AsJson = False,
) -> None:
    """Show the results of the achievements of each campaign, in whole days (UTC); without --since, in the last 30."""
    print_page(
        fetch(config, "/campaigns", since=since, until=until, limit=limit, cursor=cursor),
        _COLUMNS,
        as_json=json,
    )


def _by_reason(numbers: Row) -> str:
    return ", ".join(f"{number:,} {reason}" for reason, number in numbers.items()) or "0"
