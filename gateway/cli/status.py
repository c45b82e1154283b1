"""`gateway status`: whether the gateway works, who calls, what waits for a person, and what is under way."""

import asyncio
from collections.abc import Iterator, Mapping
from typing import Any

import typer

from gateway.cli.admin_client import fetch, running_at
from gateway.cli.failure import REFUSED
from gateway.cli.options import DEFAULT_CONFIG, AsJson, ConfigFile, settings
from gateway.cli.output import Columns, note, print_json, print_rows, say
from gateway.plural import counted

_NOT_RUNNING = (
    "no gateway runs on this configuration; the figures are from the database. Start it with: gateway serve"
)
_UNITS = ((86_400, "d"), (3_600, "h"), (60, "min"))
_BYTES = ((1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB"))
_CHANNELS: Columns = {
    "channel": "name",
    "calls/min": lambda row: f"{row['calls_a_minute']:.1f}",
    "last call": lambda row: (
        "never" if row["silent_seconds"] is None else f"{span(row['silent_seconds'])} ago"
    ),
    "today": lambda row: row["today"]["calls"],
    "refused": lambda row: row["today"]["calls_refused"],
    "failed": lambda row: row["today"]["calls_failed"],
}
_PROGRESS: Columns = {
    "under way": "what",
    "name": "name",
    "since": "started_at",
    "done": lambda row: f"{row['done']:,}" + (f" of {row['total']:,}" if row["total"] else ""),
}
_TODAY = ("created", "attached", "merged", "reviews", "accepted", "granted", "ignored", "delivered")


def status(config: ConfigFile = DEFAULT_CONFIG, json: AsJson = False) -> None:
    """Show whether the gateway works, who calls, and what waits for a person; exit 1 if calls are not accepted."""
    runs = asyncio.run(running_at(settings(config))) is not None
    found = fetch(config, "/overview")
    if not runs:
        found |= {"ready": False, "problems": [_NOT_RUNNING]}
    if json:
        print_json(found)
    else:
        _print(found)
    if not found["ready"]:
        raise typer.Exit(REFUSED)


def _print(found: Mapping[str, Any]) -> None:
    state = "ready" if found["ready"] else "NOT READY"
    say(
        f"{state}: {found['mode']} mode, rules {found['rules']}, version {found['version']}, {found['engine']}"
    )
    for text in (*found["problems"], *found["warnings"]):
        note(text)
    if found["channels"]:
        say("")
        print_rows(found["channels"], _CHANNELS)
    say("")
    today = found["today"]
    say("today: " + ", ".join(f"{today[name]:,} {name}" for name in _TODAY))
    for line in _waiting(found):
        say(line)
    if found["progress"]:
        say("")
        print_rows(found["progress"], _PROGRESS)
    say("")
    say(", ".join(_kept(found)))


def _waiting(found: Mapping[str, Any]) -> Iterator[str]:
    waiting = found["waiting"]
    reviews = sum(waiting["reviews"].values())
    parts = [
        *([counted(reviews, "open review")] if reviews else []),
        *([counted(waiting["failed_grants"], "failed grant")] if waiting["failed_grants"] else []),
        *([f"{waiting['dead']:,} dead deliveries since {waiting['dead_since']}"] if waiting["dead"] else []),
        *([f"{waiting['held']:,} held deliveries since {waiting['held_since']}"] if waiting["held"] else []),
        *([counted(new, "new generic value")] if (new := waiting["generic_values"]) else []),
    ]
    yield "waiting for a person: " + (", ".join(parts) or "nothing")
    upstream = found["upstream"]
    if upstream is not None:
        answers = (
            "" if upstream["median_ms"] is None else f", answers in {upstream['median_ms']:g} ms (median)"
        )
        deliveries = counted(upstream["open_deliveries"], "open delivery")
        yield f"platform: deliveries are {_BREAKER[upstream['breaker']]}{answers}, {deliveries}"


_BREAKER = {
    "closed": "tried",
    "probing": "tried one at a time, after failures",
    "open": "not tried now, after failures",
    "auth": "not tried: the platform refuses the keys",
}


def _kept(found: Mapping[str, Any]) -> Iterator[str]:
    sizes = found["sizes"]
    for name, key in (("database", "database"), ("WAL", "wal"), ("disk free", "disk_free")):
        if sizes[key] is not None:
            yield f"{name} {size(sizes[key])}"
    if sizes["grew_a_day"]:
        yield f"grows by {size(sizes['grew_a_day'])} a day"
    if found["backup_at"]:
        yield f"backup of {found['backup_at']}"
    yield from _audit_log(found)
    if found["planning"]:
        yield "a plan is being made"
    if found["regroupings"]:
        yield f"{found['regroupings']:,} values or profiles are looked at again"
    if found["failed_regroupings"]:
        yield f"{counted(found['failed_regroupings'], 'regrouping')} failed: gateway rules resume"


def _audit_log(found: Mapping[str, Any]) -> Iterator[str]:
    if found["signed_at"] is None:
        yield "audit log not signed yet"
    elif found["unsigned_seconds"]:
        yield f"audit log unsigned for {span(found['unsigned_seconds'])}"
    else:
        yield "audit log signed"
    if found["verified_at"] is None:
        yield "audit log never verified: gateway audit verify"
    elif found["breaches"]:
        yield f"audit log changed by other hands, found {found['verified_at']}: gateway audit verify --state"
    else:
        yield f"audit log verified {found['verified_at']}"


def span(seconds: int) -> str:
    """In the largest unit that fits, such as `14 min`."""
    for unit, name in _UNITS:
        if seconds >= unit:
            return f"{seconds // unit} {name}"
    return f"{seconds} s"


def size(count: int) -> str:
    for unit, name in _BYTES:
        if count >= unit:
            return f"{count / unit:.1f} {name}"
    return f"{count} B"
