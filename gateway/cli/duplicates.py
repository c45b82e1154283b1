"""`gateway duplicates`: lists customers that look like one person but are not joined, to review before a wider rule, or instead
of one."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Annotated, Any, Literal

import msgspec
import typer

from gateway.cli.admin_client import connect
from gateway.cli.options import DEFAULT_CONFIG, ConfigFile, settings
from gateway.cli.output import Columns, note, print_csv, print_rows, say
from gateway.config import Config
from gateway.plural import counted

_COLUMNS: Columns = {
    "reason": "reason",
    "type": "type",
    "in common": "mask",
    "state": "state",
    "profiles": "profiles",
    "records": "records",
    "who": lambda group: " ".join(_who(one) for one in group["members"][:10]),
}
_PART = 100
_SHEET = ("reason", "type", "in_common", "state", "profile", "record", "id_space", "customer_id", "value")


def duplicates(
    format: Annotated[  # noqa: A002 - the option's name
        Literal["table", "csv", "json"],
        typer.Option(help="csv: a line for each record; json: a line for each group."),
    ] = "table",
    reason: Annotated[
        str,
        typer.Option(
            help="Only same_identifier, provider_form (one mailbox, written in two ways), number_ending (the same last nine"
            " digits) or customer_id (the same in two id spaces)."
        ),
    ] = "",
    config: ConfigFile = DEFAULT_CONFIG,
    json: Annotated[bool, typer.Option("--json", help="The same as --format json.")] = False,
) -> None:
    """List live profiles that look like one person but are not joined, with the reason. Never merges anything."""
    show = {"table": _show_table, "csv": _show_csv, "json": _show_json}["json" if json else format]
    found = asyncio.run(_show_all(settings(config), reason, show))
    note(counted(found, "group") if found else "nothing found")


async def _show_all(config: Config, reason: str, show: "Callable[[list[Any], bool], None]") -> int:
    """Prints page after page, so that a long list starts at once and needs no memory. Returns how many groups there were."""
    found = 0
    async with connect(config, changes=False) as admin:
        async for part in _parts(admin.lines("/duplicates", reason=reason)):
            show(part, not found)
            found += len(part)
    return found


async def _parts(lines: AsyncIterator[bytes]) -> AsyncIterator[list[Any]]:
    part: list[Any] = []
    async for line in lines:
        part.append(msgspec.json.decode(line))
        if len(part) == _PART:
            yield part
            part = []
    if part:
        yield part


def _show_table(groups: list[Any], _: bool) -> None:
    print_rows(groups, _COLUMNS)


def _show_json(groups: list[Any], _: bool) -> None:
    for group in groups:
        say(msgspec.json.encode(group).decode())


def _show_csv(groups: list[Any], first: bool) -> None:
    if first:
        print_csv(_SHEET)
    for group in groups:
        about = [group[name] for name in ("reason", "type", "mask", "state")]
        for one in group["members"]:
            print_csv(
                [*about, *(one[name] for name in ("profile", "record", "id_space", "customer_id", "mask"))]
            )


def _who(one: Any) -> str:
    return f"{one['profile']}({one['id_space']}:{one['customer_id']})"
