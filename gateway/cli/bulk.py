"""Starts jobs: shows what matches and what the job will do, asks, and starts it in the background."""

from pathlib import Path
from typing import Annotated, NamedTuple

import typer

from gateway.cli.admin_client import ask
from gateway.cli.confirm import confirm, require_answer
from gateway.cli.jobs import print_job
from gateway.cli.output import Columns, Row, note, print_json, print_rows, say
from gateway.plural import counted

WhyMany = Annotated[str, typer.Option("--reason", help="Why; kept in the audit log. Name no person.")]


class Work(NamedTuple):
    """`path` is the operation; `key` is the field of a planned step with the thing. `question` and `told` have a place for the
    number of `things`."""

    path: str
    key: str
    thing: str
    question: str
    told: str
    columns: Columns


def start_job(work: Work, body: Row, config: Path, *, dry_run: bool, yes: bool, as_json: bool) -> None:
    require_answer(yes=yes or dry_run)
    plan = ask(config, lambda admin: admin.post(work.path, {**body, "dry_run": True}), changes=True)
    ends = dry_run or not plan["matched"]
    if not as_json:
        _print_plan(work, plan)
    elif ends:
        print_json(plan)
    if ends:
        return
    confirm(work.question.format(counted(plan["matched"], work.thing)), yes=yes)
    job = ask(
        config, lambda admin: admin.post(work.path, {**body, "expected": plan["matched"]}), changes=True
    )["job"]
    print_job(job, as_json=as_json)
    note(f"the gateway does it in the background: gateway jobs show {job['id']}")


def _print_plan(work: Work, plan: Row) -> None:
    rows = [{**one[work.key], "outcome": one["refused"] or one["outcome"] or "?"} for one in plan["first"]]
    print_rows(rows, {**work.columns, "would be": "outcome"})
    more = plan["matched"] - len(plan["first"])
    told = work.told.format(counted(plan["matched"], work.thing))
    say(f"{told}{f', {more:,} more than shown' if more else ''}")
