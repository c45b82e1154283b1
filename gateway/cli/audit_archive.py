"""`gateway audit archive`, and the notes of other commands about archived events."""

from itertools import chain
from pathlib import Path
from typing import Annotated, Any

import typer

from gateway.audit.archive import ARCHIVE, Archive
from gateway.audit.archived_checkpoints import check_files
from gateway.audit.signed import Breach
from gateway.audit.verify import Verifier
from gateway.cli.admin_client import Admin, ask
from gateway.cli.confirm import Yes, confirm
from gateway.cli.failure import REFUSED
from gateway.cli.options import DEFAULT_CONFIG, AsJson, ConfigFile
from gateway.cli.output import note, print_json, print_rows, say
from gateway.config import Config
from gateway.config.master_secret import open_box
from gateway.plural import counted

_MOST_BREACHES = 100


def archive(
    before: Annotated[str, typer.Option("--before", help="RFC 3339, a date, or a span back from now: 400d.")],
    to: Annotated[Path, typer.Option("--to", help="A directory on the gateway's machine.")],
    yes: Yes = False,
    config: ConfigFile = DEFAULT_CONFIG,
    json: AsJson = False,
) -> None:
    """Move old audit events into signed files, and out of the database."""
    confirm(f"Move the audit events before {before} to {to}, and delete them from the database?", yes=yes)
    directory = str(to.absolute())
    answer = ask(
        config, lambda admin: admin.post("/audit/archive", {"before": before, "to": directory}), changes=True
    )
    if json:
        print_json(answer)
        return
    segments = counted(len(answer["segments"]), "segment")
    say(f"{counted(answer['events'], 'event')} moved to {to}, in {segments}")
    if answer["checkpoints"]:
        say(f"{counted(answer['checkpoints'], 'checkpoint')} moved beside them")
    if answer["unsigned"]:
        note("the newest events before that moment are not signed yet and stay; run it again later")
    if answer["segments"] or answer["checkpoints"]:
        note("keep these files with the backups: only they hold the events now")


async def note_archived(admin: Admin, since: str = "") -> None:
    """Say that a list of events leaves out those in the archive, if it would go back that far."""
    until = (await admin.get("/audit/archive", since=since))["until"]
    if until:
        note(f"events up to {until} are in the archive, and are not searched")


def check_alone(config: Config, directory: Path) -> dict[str, Any]:
    """Check an archive by itself, with the master secret."""
    key = open_box(config, make=False).key("audit checkpoint")
    archive, verifier = Archive(directory, key), Verifier()
    breaches = [*archive.breaches, *chain.from_iterable(archive.check(verifier))]
    checkpoints, wrong = check_files(directory, key)
    breaches += [Breach(ARCHIVE, number, what) for number, what in wrong]
    return {
        "ok": not breaches,
        "events": verifier.events,
        "segments": archive.segments,
        "checkpoints": checkpoints,
        "breaches": [breach._asdict() for breach in breaches[:_MOST_BREACHES]],
    }


def print_archive(verdict: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        print_json(verdict)
    elif verdict["ok"]:
        events, segments = counted(verdict["events"], "event"), counted(verdict["segments"], "segment")
        checkpoints = counted(verdict["checkpoints"], "checkpoint")
        say(f"the archive is intact: {events}, {segments}, {checkpoints}")
        note("only the log can tell whether newer segments are missing; leave out --alone to compare with it")
    else:
        print_rows(verdict["breaches"], {"chain": "chain", "segment or event": "seq", "what": "what"})
    if not verdict["ok"]:
        note("something other than the gateway changed the archive; compare it with a backup")
        raise typer.Exit(REFUSED)
