"""`gateway audit`: query, follow, explain, verify and export the audit log."""

import asyncio
import contextlib
import os
import sys
from collections.abc import AsyncIterator, Generator
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer

from gateway.audit.sentences import sentence
from gateway.cli.admin_client import Admin, ask
from gateway.cli.anchors import compared, read_anchors
from gateway.cli.audit_archive import archive as archive_command
from gateway.cli.audit_archive import check_alone, note_archived, print_archive
from gateway.cli.failure import MISUSED, REFUSED, Failure
from gateway.cli.history_table import HISTORY_COLUMNS, in_order
from gateway.cli.options import (
    DEFAULT_CONFIG,
    AsJson,
    ConfigFile,
    Cursor,
    PageSize,
    Since,
    Until,
    group,
    settings,
)
from gateway.cli.output import Columns, note, plain, print_json, print_line, print_page, print_rows, say
from gateway.plural import counted

app = group("The audit log.")
app.command("archive")(archive_command)
Action = Annotated[str, typer.Option(help="Exact, or a prefix such as 'identity.*'.")]
_COLUMNS: Columns = {
    "at": "at",
    "action": "action",
    "outcome": "outcome",
    "channel": "channel",
    "actor": "actor",
    "profile": "profile",
    "object": "object",
    "reason": "reason",
    "request": "request_id",
}
_POLL_SECONDS = 0.5
_PAGE = 200
_MOST_BREACHES = 100


@app.command()
def query(
    since: Since = "",
    until: Until = "",
    action: Action = "",
    channel: str = "",
    actor: str = "",
    profile: str = "",
    object: Annotated[str, typer.Option("--object", help="ach_…, rec_…, a key id, a rule set version.")] = "",  # noqa: A002
    request_id: str = "",
    outcome: str = "",
    limit: PageSize = 50,
    cursor: Cursor = "",
    config: ConfigFile = DEFAULT_CONFIG,
    json: AsJson = False,
) -> None:
    """List events, newest first."""
    filters = {
        "since": since,
        "until": until,
        "action": action,
        "channel": channel,
        "actor": actor,
        "profile": profile,
        "object": object,
        "request_id": request_id,
        "outcome": outcome,
    }

    async def found(admin: Admin) -> Any:
        answer = await admin.get("/audit", **filters, limit=limit, cursor=cursor)
        if not answer["next"]:
            await note_archived(admin, since)
        return answer

    print_page(ask(config, found), _COLUMNS, as_json=json)


@app.command()
def follow(
    since: Since = "",
    action: Action = "",
    channel: str = "",
    profile: str = "",
    config: ConfigFile = DEFAULT_CONFIG,
    json: AsJson = False,
) -> None:
    """Print events as they happen, until Ctrl-C; from now on, or from --since."""
    filters = {"action": action, "channel": channel, "profile": profile}

    async def following(admin: Admin) -> None:
        async for event in _endless(admin, since, filters):
            if json:
                print_line(event)
            else:
                say(f"{event['at']}  {event['action']:<22} {plain(sentence(event))}", flush=True)

    ask(config, following, only_running=True)


async def _endless(admin: Admin, since: str, filters: dict[str, str]) -> AsyncIterator[Any]:
    newest = [] if since else (await admin.get("/audit", limit=1))["items"]
    after = newest[0]["id"] if newest else ""
    while True:
        found = await admin.get("/audit", **filters, since=since, after=after, order="asc", limit=_PAGE)
        for event in found["items"]:
            after = event["id"]
            yield event
        if not found["next"]:
            await asyncio.sleep(_POLL_SECONDS)


@app.command()
def explain(
    subject: Annotated[str, typer.Argument(metavar="ID", help="ach_…, prf_… or a request id.")],
    config: ConfigFile = DEFAULT_CONFIG,
    json: AsJson = False,
) -> None:
    """Explain what happened to one achievement, profile or request, oldest first, in sentences."""

    async def told(admin: Admin) -> Any:
        await note_archived(admin)
        return in_order(await _touching(admin, subject))

    events = ask(config, told)
    if not events:
        raise Failure(f"{subject}: the audit log has no such events; give an ach_…, prf_… or request id")
    if json:
        print_json({"items": [{**event, "sentence": sentence(event)} for event in events], "next": None})
    else:
        print_rows(events, HISTORY_COLUMNS)


async def _touching(admin: Admin, subject: str) -> list[Any]:
    """The subject's own events; for an achievement also what the requests about it did to the customer."""
    if subject.startswith("prf_"):
        return await _all(admin, profile=subject)
    own = await _all(admin, object=subject)
    requests = {event["request_id"] for event in own if event["request_id"]} or {subject}
    for request_id in sorted(requests):
        own += await _all(admin, request_id=request_id)
    return own


async def _all(admin: Admin, **filters: str) -> list[Any]:
    return [msgspec.json.decode(line) async for line in admin.lines("/audit", **filters, order="asc")]


@app.command()
def verify(
    state: Annotated[
        bool,
        typer.Option("--state", help="Also check ledger, records, pins, keys and rules against the log."),
    ] = False,
    anchors: Annotated[
        Path | None,
        typer.Option("--anchors", help="Also compare the signatures with this copy of the anchors."),
    ] = None,
    archive: Annotated[
        Path | None,
        typer.Option("--archive", help="Also check the archived events, in this directory."),
    ] = None,
    alone: Annotated[
        bool, typer.Option("--alone", help="Check the archive by itself: only the master secret is needed.")
    ] = False,
    config: ConfigFile = DEFAULT_CONFIG,
    json: AsJson = False,
) -> None:
    """Check that no event was changed, removed or inserted; exit 1 if one was."""
    if alone:
        if archive is None or state or anchors is not None:
            raise Failure("--alone checks an archive and nothing else; name it with --archive", MISUSED)
        print_archive(check_alone(settings(config), archive), as_json=json)
        return
    kept = read_anchors(anchors) if anchors is not None else None
    directory = str(archive.absolute()) if archive is not None else ""

    async def verified(admin: Admin) -> Any:
        verdict = await admin.get("/audit/verify", state=state, archive=directory)
        if kept is not None:
            verdict["anchors"] = len(kept)
            is_whole = not any(breach["chain"] == "archive" for breach in verdict["breaches"])
            verdict |= await compared(admin, kept, verdict["moved"], directory if is_whole else "")
            verdict["breaches"] += verdict.pop("parted")
            verdict["ok"] = not verdict["breaches"]
        return verdict

    print_verdict(ask(config, verified), as_json=json)


def print_verdict(verdict: Any, *, as_json: bool) -> None:
    if as_json:
        print_json(verdict)
    elif verdict["ok"]:
        events, checkpoints = (
            counted(verdict["events"], "event"),
            counted(verdict["checkpoints"], "signed checkpoint"),
        )
        say(f"the audit log is intact: {events}, {checkpoints}")
        _say_archived(verdict)
        for covered in verdict["state"]:
            if covered["since"]:
                rows = counted(covered["rows"] - covered["earlier"], "row")
                say(f"{covered['table']}: {rows} as the log says, bound since {covered['since']}")
        if verdict["uncovered"]:
            say(f"not covered: {verdict['uncovered']}")
        _note_limits(verdict)
    else:
        print_rows(verdict["breaches"], {"chain": "chain", "event": "seq", "what": "what"})
    if not verdict["ok"]:
        note("something other than the gateway changed the audit log; compare it with a backup")
        raise typer.Exit(REFUSED)


def _say_archived(verdict: Any) -> None:
    archived = counted(verdict["archived"], "event")
    if verdict["segments"]:
        say(f"the archive is intact: {archived}, {counted(verdict['segments'], 'segment')}")
    elif verdict["archived"]:
        note(f"{archived} more are in the archive; check them with --archive DIRECTORY")
    if verdict["moved"] and not verdict["segments"]:
        note(f"the checkpoints up to number {verdict['moved']['number']} are there too")


def _note_limits(verdict: Any) -> None:
    """Reports everything that an intact log does not prove."""
    if verdict.get("unanchored"):
        note(f"not in the file: {counted(verdict['unanchored'], 'signed checkpoint')} of the log")
    if verdict.get("uncompared"):
        anchors = counted(verdict["uncompared"], "anchor")
        note(f"not compared: {anchors} of archived checkpoints; add --archive DIRECTORY")
    for tail in verdict["unproven"]:
        how = "a later run signed them as it found them after a crash" if tail["found"] else "not signed yet"
        events, span = counted(tail["events"], "event"), f"{tail['since']} to {tail['until']}"
        note(f"not proven: the last {events} of chain {tail['chain'][:8]}, {span}: {how}")
    for covered in verdict["state"]:
        if not covered["since"]:
            rows = counted(covered["rows"], "row")
            note(
                f"not checked: {rows} of {covered['table']}, which the gateway is still binding after an upgrade"
            )
        elif covered["earlier"]:
            rows = counted(covered["earlier"], "row")
            why = "from before the log vouched for rows"
            if verdict["archived"] and not verdict["segments"]:
                why = "which only the archive can prove; add --archive DIRECTORY"
            note(f"not proven: {rows} of {covered['table']} {why}")
    if verdict["earlier"]:
        chains = counted(verdict["earlier"], "chain")
        note(
            f"{chains} from before an upgrade or a new master secret: signed as they were found then, not as they were written"
        )


@app.command()
def export(
    to: Annotated[Path | None, typer.Option("--to", help="A new file; without it, standard output.")] = None,
    since: Since = "",
    until: Until = "",
    action: Action = "",
    as_csv: Annotated[bool, typer.Option("--csv", help="For a spreadsheet, with the names first.")] = False,
    config: ConfigFile = DEFAULT_CONFIG,
) -> None:
    """Write every event as a line of JSON, oldest first; on a terminal it is shown as text."""

    async def exported(admin: Admin) -> int:
        await note_archived(admin, since)
        form = "text/csv" if as_csv else "application/x-ndjson"
        lines = admin.lines("/audit", form, since=since, until=until, action=action, order="asc")
        return await _write(lines, to) - as_csv

    count = ask(config, exported)
    if to is not None:
        note(f"{counted(count, 'event')} written to {to}")


@contextlib.contextmanager
def _complete_or_absent(file: Path | None) -> Generator[None]:
    """A new file that could not be completed is deleted: it would look like a whole one."""
    try:
        yield
    except BaseException:
        if file is not None:
            file.unlink(missing_ok=True)
        raise


async def _write(lines: AsyncIterator[bytes], to: Path | None) -> int:
    count = 0
    if to is None and sys.stdout.isatty():
        async for line in lines:
            say(line.decode().rstrip("\n"))
            count += 1
        return count
    try:
        with (
            open(to or 1, "xb" if to else "wb", closefd=to is not None) as out,  # noqa: ASYNC230 - nothing else runs in this loop
            _complete_or_absent(to),
        ):
            async for line in lines:
                out.write(line)
                count += 1
            out.flush()
            if to is not None:
                os.fsync(out.fileno())
    except FileExistsError:
        raise Failure(f"{to}: exists already; give a new name") from None
    except BrokenPipeError:
        raise
    except OSError as error:
        raise Failure(f"{to or 'standard output'}: cannot be written ({error.strerror})") from None
    return count
