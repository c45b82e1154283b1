"""`gateway import`: sends customers from a file, chunk by chunk, to the admin API. The gateway stores the progress. So an
import that was stopped resumes when the command runs again, and a finished one changes nothing."""

import asyncio
import contextlib
import gc
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gateway.cli.admin_client import connect
from gateway.cli.columns import read_mapping
from gateway.cli.customer_file import CustomerFile, kind_of, opened_sheet
from gateway.cli.dry_run_copy import copied
from gateway.cli.failure import Failure
from gateway.cli.import_lists import list_refusals, list_warnings
from gateway.cli.import_options import (
    Customers,
    DryRun,
    Encoding,
    Format,
    Ignored,
    Map,
    MappingFile,
    OfChannel,
    RejectsFile,
    Resumed,
    SheetName,
    Unasked,
    WarningsFile,
)
from gateway.cli.import_table import confirm, may_ask, show_columns
from gateway.cli.options import DEFAULT_CONFIG, AsJson, ConfigFile, settings
from gateway.cli.output import note, print_json, print_rows, say
from gateway.cli.sending import Sending
from gateway.config import Config

_MORE_THAN_A_CHUNK = 1_000_000
"""How many objects may be created before Python looks for cycles."""


def import_(
    file: Customers,
    channel: OfChannel,
    format: Format = "",  # noqa: A002 - the option's name
    map: Map = None,  # noqa: A002
    ignore: Ignored = None,
    mapping: MappingFile = None,
    encoding: Encoding = "",
    sheet: SheetName = "",
    rejects: RejectsFile = None,
    warnings: WarningsFile = None,
    yes: Unasked = False,
    dry_run: DryRun = False,
    resume: Resumed = "",
    config: ConfigFile = DEFAULT_CONFIG,
    json: AsJson = False,
) -> None:
    """Import customers from a file. If it is stopped, run it again to resume.

    `gateway import undo imp_…` undoes a whole import.
    """
    loaded = settings(config)
    kind, preset = kind_of(file, format)
    said = read_mapping(map or (), mapping)
    job = CustomerFile(file, kind, channel, said, tuple(ignore or ()), preset, encoding, sheet, resume)
    lists = _Lists(
        rejects or file.with_name(f"{file.name}.rejects.csv"),
        warnings or file.with_name(f"{file.name}.warnings.csv"),
    )
    if dry_run:
        with copied(loaded) as trial:
            state = asyncio.run(_bring(trial, job, lists))
    else:
        shown = not yes and may_ask() and asyncio.run(_look(loaded, job))
        if shown:
            confirm()
        state = asyncio.run(_bring(loaded, job, lists, shown=shown))
    _print_end(state, as_json=json, dry_run=dry_run)


@dataclass(frozen=True, slots=True)
class _Lists:
    rejects: Path
    warnings: Path


def _print_end(state: Any, *, as_json: bool, dry_run: bool) -> None:
    """Raises Failure if no line could be taken, because then the file or the mapping is wrong."""
    counts = state["counts"]
    lines = sum(counts.values())
    if as_json:
        print_json({**state, "dry_run": dry_run})
    else:
        rows = [{"what": w, "rows": n} for counted in (counts, state["unusable"]) for w, n in counted.items()]
        print_rows(rows, {"what": "what", "rows": "rows"})
        did = "would be finished (nothing was changed)" if dry_run else "is finished"
        say(f"imp_{state['id']} {did}: {lines} {'line' if lines == 1 else 'lines'}")
    if lines and counts.get("rejected", 0) == lines:
        raise Failure(f"none of the {lines} lines could be taken; the list of rejects says why")


async def _look(config: Config, job: CustomerFile) -> bool:
    """Shows the targets of the columns. Returns whether to ask the operator; an import that has begun continues without a
    question."""
    async with connect(config, changes=True) as admin:
        state = await admin.get(f"/imports/{job.import_id()}", channel=job.channel)
    if state["counts"]:
        return False
    with opened_sheet(job, state["identifiers"]) as sheet:
        show_columns(job, sheet, state["identifiers"])
    return True


async def _bring(config: Config, job: CustomerFile, lists: _Lists, *, shown: bool = False) -> Any:
    """The import's last state."""
    import_id = job.import_id()
    with _rare_collections():
        async with connect(config, changes=True) as admin:
            state = await admin.get(f"/imports/{import_id}", channel=job.channel)
            if state["finished_at"] and not job.resume:
                note(f"imp_{import_id} was finished on {state['finished_at']}; there is nothing to do")
            else:
                begun = sum(state["counts"].values())
                with opened_sheet(job, state["identifiers"]) as sheet:
                    if not shown:
                        show_columns(job, sheet, state["identifiers"])
                    if begun:
                        note(
                            f"imp_{import_id} resumes; {begun} {'line is' if begun == 1 else 'lines are'} taken"
                        )
                    state = await Sending(admin, job, import_id, sheet, state).all()
            await list_refusals(admin, import_id, state["counts"].get("rejected", 0), lists.rejects)
            await list_warnings(admin, import_id, state["unusable"], lists.warnings)
    return state


@contextlib.contextmanager
def _rare_collections() -> Generator[None]:
    """There are millions of short-lived objects without cycles. Looking for cycles all the time would cost a tenth of the
    speed."""
    usual = gc.get_threshold()
    gc.set_threshold(_MORE_THAN_A_CHUNK, 50, 50)
    try:
        yield
    finally:
        gc.set_threshold(*usual)
