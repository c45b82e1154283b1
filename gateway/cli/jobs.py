"""`gateway jobs`: how far work in the background has come, and an end to it."""

from typing import Annotated

import typer

from gateway.cli.admin_client import ask, fetch, segment
from gateway.cli.options import DEFAULT_CONFIG, AsJson, ConfigFile, Cursor, PageSize, group
from gateway.cli.output import Columns, Row, plain, print_json, print_page, say

app = group("List, show, cancel and resume jobs, such as an undo of many merges.")
JobId = Annotated[str, typer.Argument(metavar="JOB", help="job_…, from `jobs list`.")]
Skip = Annotated[bool, typer.Option("--skip", help="Leave out the one thing that made it fail.")]
_COLUMNS: Columns = {
    "job": "id",
    "kind": "kind",
    "state": "state",
    "matched": "matched",
    "done": "done",
    "refused": "refused",
    "closed": "closed",
    "passed": "passed",
    "skipped": "skipped",
    "by": "created_by",
    "began": "created_at",
    "ended": "ended_at",
}


@app.command("list")
def list_(
    limit: PageSize = 50, cursor: Cursor = "", config: ConfigFile = DEFAULT_CONFIG, json: AsJson = False
) -> None:
    """List jobs, newest first."""
    print_page(fetch(config, "/jobs", limit=limit, cursor=cursor), _COLUMNS, as_json=json)


@app.command()
def show(job: JobId, config: ConfigFile = DEFAULT_CONFIG, json: AsJson = False) -> None:
    """Show one job, and how far it has come."""
    print_job(fetch(config, f"/jobs/{segment(job)}"), as_json=json)


@app.command()
def cancel(job: JobId, config: ConfigFile = DEFAULT_CONFIG, json: AsJson = False) -> None:
    """Cancel a job. What it did stays done."""
    print_job(
        ask(config, lambda admin: admin.post(f"/jobs/{segment(job)}/cancel"), changes=True), as_json=json
    )


@app.command()
def resume(job: JobId, skip: Skip = False, config: ConfigFile = DEFAULT_CONFIG, json: AsJson = False) -> None:
    """Continue a failed job where it stopped, in your name."""
    print_job(
        ask(config, lambda admin: admin.post(f"/jobs/{segment(job)}/resume", {"skip": skip}), changes=True),
        as_json=json,
    )


def print_job(job: Row, *, as_json: bool) -> None:
    if as_json:
        print_json(job)
        return
    filters = " ".join(f"{name}={value}" for name, value in job["filter"].items())
    say(f"{job['id']}: {job['kind']} where {plain(filters)}")
    counts = [f"{job['done']:,} of {job['matched']:,} done", f"{job['refused']:,} refused"]
    counts += [f"{job[name]:,} {name}" for name in ("closed", "passed", "skipped") if job[name]]
    say(f"{job['state']}: {', '.join(counts)}")
    say(f"began {job['created_at']} by {plain(job['created_by'])}: {plain(job['reason'])}")
    if job["run_by"] != job["created_by"]:
        say(f"runs in the name of {plain(job['run_by'])}")
    if job["why"]:
        say(f"failed: {plain(job['why'])}")
    if job["state"] == "failed" and job["stuck_at"]:
        say(f"to leave {job['stuck_at']} out: gateway jobs resume {job['id']} --skip")
    if job["damaged"]:
        say(
            f"damaged, not run: the gateway did not write {', '.join(job['damaged'])}; cancel it and start it again"
        )
    elif job["distrusted"]:
        say("not run: its row is not as the audit log says")
    if job["ended_at"]:
        say(f"ended {job['ended_at']}")
