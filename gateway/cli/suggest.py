"""`gateway suggest`: looks for customers that no rule joins, but that look like one person, and asks about the most certain."""

import asyncio
from typing import Annotated, Any

import typer

from gateway.cli.admin_client import Admin, ask, fetch, segment
from gateway.cli.failure import REFUSED
from gateway.cli.options import DEFAULT_CONFIG, AsJson, ConfigFile, Cursor, PageSize, group
from gateway.cli.output import Columns, Row, note, plain, print_json, print_page, print_rows, say
from gateway.plural import counted

app = group("Find customers who look like one person.")
SearchId = Annotated[str, typer.Argument(metavar="SEARCH", help="srh_…, from `suggest searches`.")]
_POLL_SECONDS = 0.5
_QUESTIONS: Columns = {
    "review": "id",
    "certainty": lambda one: f"{one['suggestion']['certainty']:.1f} %",
    "points": lambda one: one["suggestion"]["points"],
    "more pairs": lambda one: one["suggestion"]["others"],
    "who": lambda one: " / ".join(one["people"]),
    "because": lambda one: _because(one["suggestion"]["comparisons"]),
}
_FORESEEN: Columns = {
    "would": lambda one: "merge" if one["merges"] else "ask",
    "records": lambda one: " ".join(one["records"]),
    "certainty": lambda one: f"{one['certainty']:.2f} %",
}
_SEARCHES: Columns = {
    "search": "id",
    "state": "state",
    "records": "records",
    "candidates": "candidates",
    "found": "found",
    "opened": "opened",
    "merged": "merged",
    "labels": "labels",
    "began": "started_at",
    "by": "started_by",
}


@app.command()
def search(
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Change nothing; say what would be merged and asked.")
    ] = False,
    config: ConfigFile = DEFAULT_CONFIG,
    json: AsJson = False,
) -> None:
    """Search all customers, and open the most certain pairs as reviews. May run for minutes. Merges only if the rules say so."""

    async def searched(admin: Admin) -> Any:
        found = await admin.post("/suggestions/searches", dry_run=dry_run)
        stage = ""
        while found["state"] == "running":
            if found["stage"] != stage:
                stage = found["stage"]
                note(f"{stage} …")
            await asyncio.sleep(_POLL_SECONDS)
            found = await admin.get(f"/suggestions/searches/{segment(found['id'])}")
        return found

    found = ask(config, searched, changes=True)
    _print_search(found, as_json=json)
    if found["state"] == "failed":
        raise typer.Exit(REFUSED)


@app.command("list")
def list_(
    limit: PageSize = 50, cursor: Cursor = "", config: ConfigFile = DEFAULT_CONFIG, json: AsJson = False
) -> None:
    """List open questions that a search raised, the most certain first. `gateway review` answers them."""
    print_page(fetch(config, "/suggestions", limit=limit, cursor=cursor), _QUESTIONS, as_json=json)


@app.command()
def searches(
    limit: PageSize = 50, cursor: Cursor = "", config: ConfigFile = DEFAULT_CONFIG, json: AsJson = False
) -> None:
    """List searches, newest first."""
    print_page(fetch(config, "/suggestions/searches", limit=limit, cursor=cursor), _SEARCHES, as_json=json)


@app.command()
def show(search: SearchId, config: ConfigFile = DEFAULT_CONFIG, json: AsJson = False) -> None:
    """Show one search and the weights that it learned, in bits."""
    _print_search(fetch(config, f"/suggestions/searches/{segment(search)}"), as_json=json)


def _print_search(search: Row, *, as_json: bool) -> None:
    if as_json:
        print_json(search)
        return
    say(f"{search['id']}: {search['state']}, began {search['started_at']} by {plain(search['started_by'])}")
    say(
        f"{counted(search['records'], 'record')}, {counted(search['candidates'], 'candidate pair')}, "
        f"{search['found']:,} certain enough, {counted(search['opened'], 'question')} opened"
    )
    if search["merged"] or search["dry"]:
        say(f"{counted(search['merged'], 'pair')} merged by their score")
    if search["dry"]:
        print_rows(search["foreseen"], _FORESEEN)
        note("a dry run: nothing was changed")
    if search["model"]:
        say(
            f"model {search['model'][:12]}, from data {search['data'][:12]} and {counted(search['labels'], 'answer')}"
        )
        print_rows(_weights(search), {"compared": "what", "level": "level", "bits": "weight"})
    if search["failure"]:
        note(plain(search["failure"]))


def _weights(search: Row) -> list[Row]:
    return [
        {"what": what, "level": level, "weight": f"{weight:+.1f}"}
        for what, levels in search["weights"].items()
        for level, weight in levels.items()
    ]


def _because(comparisons: list[Row]) -> str:
    return ", ".join(f"{one['what']} {one['level']} {one['weight']:+.1f}" for one in comparisons)
