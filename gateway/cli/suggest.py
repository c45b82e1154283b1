"""`gateway suggest`: looks for customers that no rule joins, but that look like one person, and asks about the most certain."""

import asyncio
from typing import Annotated, Any

import typer

from gateway.cli.admin_client import Admin, ask, segment
from gateway.cli.failure import REFUSED
from gateway.cli.options import DEFAULT_CONFIG, AsJson, ConfigFile, Cursor, PageSize, group
from gateway.cli.output import Columns, Row, note, plain, print_json, print_page, print_rows, say
from gateway.plural import counted

app = group("Find customers who look like one person.")
RunId = Annotated[str, typer.Argument(metavar="RUN", help="sgr_…, from `suggest runs`.")]
_POLL_SECONDS = 0.5
_QUESTIONS: Columns = {
    "review": "id",
    "certainty": lambda one: f"{one['suggestion']['certainty']:.1f} %",
    "points": lambda one: one["suggestion"]["points"],
    "who": lambda one: " / ".join(one["people"]),
    "because": lambda one: _because(one["suggestion"]["comparisons"]),
}
_RUNS: Columns = {
    "run": "id",
    "state": "state",
    "records": "records",
    "candidates": "candidates",
    "found": "found",
    "opened": "opened",
    "labels": "labels",
    "began": "started_at",
    "by": "started_by",
}


@app.command()
def run(config: ConfigFile = DEFAULT_CONFIG, json: AsJson = False) -> None:
    """Search all customers, and open the most certain pairs as reviews. Merges nothing. May run for minutes."""

    async def searched(admin: Admin) -> Any:
        found = await admin.post("/suggestions/runs")
        stage = ""
        while found["state"] == "running":
            if found["stage"] != stage:
                stage = found["stage"]
                note(f"{stage} …")
            await asyncio.sleep(_POLL_SECONDS)
            found = await admin.get(f"/suggestions/runs/{segment(found['id'])}")
        return found

    found = ask(config, searched, changes=True)
    _print_run(found, as_json=json)
    if found["state"] == "failed":
        raise typer.Exit(REFUSED)


@app.command("list")
def list_(
    limit: PageSize = 50, cursor: Cursor = "", config: ConfigFile = DEFAULT_CONFIG, json: AsJson = False
) -> None:
    """List open questions that a search raised, the most certain first. `gateway review` answers them."""

    async def listed(admin: Admin) -> Any:
        return await admin.get("/suggestions", limit=limit, cursor=cursor)

    print_page(ask(config, listed), _QUESTIONS, as_json=json)


@app.command()
def runs(
    limit: PageSize = 50, cursor: Cursor = "", config: ConfigFile = DEFAULT_CONFIG, json: AsJson = False
) -> None:
    """List searches, newest first."""

    async def listed(admin: Admin) -> Any:
        return await admin.get("/suggestions/runs", limit=limit, cursor=cursor)

    print_page(ask(config, listed), _RUNS, as_json=json)


@app.command()
def show(run: RunId, config: ConfigFile = DEFAULT_CONFIG, json: AsJson = False) -> None:
    """Show one search and the weights that it learned, in bits."""

    async def shown(admin: Admin) -> Any:
        return await admin.get(f"/suggestions/runs/{segment(run)}")

    _print_run(ask(config, shown), as_json=json)


def _print_run(run: Row, *, as_json: bool) -> None:
    if as_json:
        print_json(run)
        return
    say(f"{run['id']}: {run['state']}, began {run['started_at']} by {plain(run['started_by'])}")
    say(
        f"{counted(run['records'], 'record')}, {counted(run['candidates'], 'candidate pair')}, "
        f"{run['found']:,} certain enough, {counted(run['opened'], 'question')} opened"
    )
    if run["model"]:
        say(f"model {run['model'][:12]}, from data {run['data'][:12]} and {counted(run['labels'], 'answer')}")
        print_rows(_weights(run), {"compared": "what", "level": "level", "bits": "weight"})
    if run["failure"]:
        note(plain(run["failure"]))


def _weights(run: Row) -> list[Row]:
    return [
        {"what": what, "level": level, "weight": f"{weight:+.1f}"}
        for what, levels in run["weights"].items()
        for level, weight in levels.items()
    ]


def _because(comparisons: list[Row]) -> str:
    return ", ".join(f"{one['what']} {one['level']} {one['weight']:+.1f}" for one in comparisons)
