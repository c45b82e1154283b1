"""`gateway deliveries`: deliveries to the upstream and to webhooks. An operator can resend or discard dead and held ones."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from gateway.cli.admin_client import Admin, ask, segment
from gateway.cli.confirm import Yes, confirm
from gateway.cli.failure import MISUSED, Failure
from gateway.cli.options import DEFAULT_CONFIG, AsJson, ConfigFile, Cursor, PageSize, group
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
_AT_ONCE = 200
_QUESTIONS = {
    "retry": "Send {} again? One that did arrive is then sent twice.",
    "discard": "Give {} up for good?",
}
Deliveries = Annotated[list[str] | None, typer.Argument(metavar="[DELIVERY]...", help="dlv_…")]
Whole = Annotated[
    str, typer.Option("--all", help="Instead of ids: every delivery that is `dead`, or `held`.")
]


@app.command("list")
def list_(
    state: Annotated[
        str, typer.Option(help="pending, sending, unknown, held, delivered, dead or discarded.")
    ] = "",
    target: Annotated[str, typer.Option(help="upstream, or webhook:NAME.")] = "",
    limit: PageSize = 50,
    cursor: Cursor = "",
    config: ConfigFile = DEFAULT_CONFIG,
    json: AsJson = False,
) -> None:
    """List deliveries, newest first."""

    async def listed(admin: Admin) -> Any:
        return await admin.get("/deliveries", state=state, target=target, limit=limit, cursor=cursor)

    print_page(ask(config, listed), _COLUMNS, as_json=json)


@app.command()
def show(
    delivery: Annotated[str, typer.Argument(metavar="DELIVERY", help="dlv_…")],
    config: ConfigFile = DEFAULT_CONFIG,
    json: AsJson = False,
) -> None:
    """Show one delivery, with the receiver's last refusal."""

    async def shown(admin: Admin) -> Any:
        return await admin.get(f"/deliveries/{segment(delivery)}")

    answer = ask(config, shown)
    if json:
        print_json(answer)
    else:
        rows = [{"name": name, "value": value} for name, value in answer.items()]
        print_rows(rows, {"delivery": "name", answer["id"]: "value"})


@app.command()
def retry(
    deliveries: Deliveries = None,
    whole: Whole = "",
    yes: Yes = False,
    config: ConfigFile = DEFAULT_CONFIG,
    json: AsJson = False,
) -> None:
    """Send dead or held deliveries again. A delivery that did arrive is then sent twice."""
    _each("retry", "is due now", deliveries or [], whole, config, yes=yes, as_json=json)


@app.command()
def discard(
    deliveries: Deliveries = None,
    whole: Whole = "",
    yes: Yes = False,
    config: ConfigFile = DEFAULT_CONFIG,
    json: AsJson = False,
) -> None:
    """Give up dead or held deliveries for good."""
    _each("discard", "is discarded", deliveries or [], whole, config, yes=yes, as_json=json)


def _each(
    verdict: Literal["retry", "discard"],
    told: str,
    deliveries: list[str],
    whole: str,
    config: Path,
    *,
    yes: bool,
    as_json: bool,
) -> None:
    if bool(deliveries) == bool(whole) or whole not in ("", "dead", "held"):
        raise Failure("name deliveries, or give --all dead or --all held", MISUSED)
    confirm(
        _QUESTIONS[verdict].format(
            counted(len(deliveries), "delivery") if deliveries else f"every {whole} delivery"
        ),
        yes=yes,
    )

    async def carried_out(admin: Admin) -> Any:
        wanted = deliveries or [one async for one in _all_of(admin, whole)]
        return [await admin.post(f"/deliveries/{segment(one)}/{verdict}") for one in wanted]

    answers = ask(config, carried_out, changes=True)
    if as_json:
        print_json(answers)
        return
    for answer in answers:
        say(f"{answer['id']} {told}")


async def _all_of(admin: Admin, state: str) -> AsyncIterator[str]:
    cursor: str | None = ""
    while cursor is not None:
        page = await admin.get("/deliveries", state=state, limit=_AT_ONCE, cursor=cursor)
        for delivery in page["items"]:
            yield delivery["id"]
        cursor = page["next"]
