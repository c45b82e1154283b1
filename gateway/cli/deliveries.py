"""`gateway deliveries`: deliveries to the upstream and to webhooks. An operator can resend or discard dead and held ones."""

from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from gateway.cli.admin_client import Admin, ask, fetch, segment
from gateway.cli.bulk import WhyMany, Work, start_job
from gateway.cli.confirm import Yes, confirm
from gateway.cli.failure import MISUSED, Failure
from gateway.cli.options import (
    DEFAULT_CONFIG,
    AsJson,
    ConfigFile,
    Cursor,
    DryRun,
    PageSize,
    Since,
    Until,
    group,
)
from gateway.cli.output import Columns, print_json, print_page, print_rows, say
from gateway.plural import counted

app = group("List deliveries, send one again, or give it up.")
_COLUMNS: Columns = {
    "delivery": "id",
    "target": "target",
    "subject": "subject",
    "campaign": "campaign",
    "profile": "profile",
    "state": "state",
    "reason": "reason",
    "status": "status",
    "attempts": "attempts",
    "queued": "created_at",
    "due": "due_at",
    "finished": "finished_at",
}
_OF_A_DELIVERY: Columns = {
    "delivery": "id",
    "target": "target",
    "campaign": "campaign",
    "reason": "reason",
    "queued": "created_at",
}
_RETRY = Work(
    "/deliveries/retry",
    "delivery",
    "delivery",
    "Send {} again? One that did arrive is then sent twice.",
    "{} would be sent again",
    _OF_A_DELIVERY,
)
_DISCARD = Work(
    "/deliveries/discard",
    "delivery",
    "delivery",
    "Give {} up for good?",
    "{} would be given up",
    _OF_A_DELIVERY,
)
Deliveries = Annotated[list[str] | None, typer.Argument(metavar="[DELIVERY]...", help="dlv_…")]
Whole = Annotated[
    str, typer.Option("--all", help="Instead of ids: every delivery that is `dead`, or `held`.")
]
Target = Annotated[str, typer.Option(help="Only to upstream, balances, or webhook:NAME.")]


@app.command("list")
def list_(
    state: Annotated[
        str, typer.Option(help="pending, sending, unknown, held, delivered, dead or discarded.")
    ] = "",
    target: Target = "",
    since: Since = "",
    until: Until = "",
    limit: PageSize = 50,
    cursor: Cursor = "",
    config: ConfigFile = DEFAULT_CONFIG,
    json: AsJson = False,
) -> None:
    """List deliveries, newest first."""
    filters = {"state": state, "target": target, "since": since, "until": until}
    answer = fetch(config, "/deliveries", **filters, limit=limit, cursor=cursor)
    print_page(answer, _COLUMNS, as_json=json)


@app.command()
def show(
    delivery: Annotated[str, typer.Argument(metavar="DELIVERY", help="dlv_…")],
    config: ConfigFile = DEFAULT_CONFIG,
    json: AsJson = False,
) -> None:
    """Show one delivery, with the receiver's last refusal."""
    answer = fetch(config, f"/deliveries/{segment(delivery)}")
    if json:
        print_json(answer)
    else:
        rows = [{"name": name, "value": value} for name, value in answer.items()]
        print_rows(rows, {"delivery": "name", answer["id"]: "value"})


@app.command()
def retry(
    deliveries: Deliveries = None,
    whole: Whole = "",
    target: Target = "",
    since: Since = "",
    until: Until = "",
    reason: WhyMany = "",
    dry_run: DryRun = False,
    yes: Yes = False,
    config: ConfigFile = DEFAULT_CONFIG,
    json: AsJson = False,
) -> None:
    """Send dead or held deliveries again. A delivery that did arrive is then sent twice. With --all, as a job in the background."""
    chosen = {"state": whole, "target": target, "since": since, "until": until, "reason": reason}
    if not _is_job(deliveries, chosen, dry_run=dry_run):
        _each("retry", "is due now", deliveries or [], config, yes=yes, as_json=json)
        return
    start_job(_RETRY, chosen, config, dry_run=dry_run, yes=yes, as_json=json)


@app.command()
def discard(
    deliveries: Deliveries = None,
    whole: Whole = "",
    target: Target = "",
    since: Since = "",
    until: Until = "",
    reason: WhyMany = "",
    dry_run: DryRun = False,
    yes: Yes = False,
    config: ConfigFile = DEFAULT_CONFIG,
    json: AsJson = False,
) -> None:
    """Give up dead or held deliveries for good. With --all, as a job in the background."""
    chosen = {"state": whole, "target": target, "since": since, "until": until, "reason": reason}
    if not _is_job(deliveries, chosen, dry_run=dry_run):
        _each("discard", "is discarded", deliveries or [], config, yes=yes, as_json=json)
        return
    start_job(_DISCARD, chosen, config, dry_run=dry_run, yes=yes, as_json=json)


def _is_job(deliveries: list[str] | None, chosen: dict[str, str], *, dry_run: bool) -> bool:
    whole = chosen["state"]
    if bool(deliveries) == bool(whole) or whole not in ("", "dead", "held"):
        raise Failure("name deliveries, or give --all dead or --all held", MISUSED)
    if deliveries and (dry_run or any(chosen.values())):
        raise Failure("filters, --reason and --dry-run belong to --all", MISUSED)
    return not deliveries


def _each(
    verdict: Literal["retry", "discard"],
    told: str,
    deliveries: list[str],
    config: Path,
    *,
    yes: bool,
    as_json: bool,
) -> None:
    work = _RETRY if verdict == "retry" else _DISCARD
    confirm(work.question.format(counted(len(deliveries), "delivery")), yes=yes)

    async def carried_out(admin: Admin) -> Any:
        return [await admin.post(f"/deliveries/{segment(one)}/{verdict}") for one in deliveries]

    answers = ask(config, carried_out, changes=True)
    if as_json:
        print_json(answers)
        return
    for answer in answers:
        say(f"{answer['id']} {told}")
