"""`gateway operators`: who may use the admin listener, and the browsers in which they are logged in."""

from typing import Annotated, Any

import typer

from gateway.cli.admin_client import ask, fetch, segment
from gateway.cli.confirm import Yes, confirm
from gateway.cli.options import DEFAULT_CONFIG, AsJson, ConfigFile, Cursor, PageSize, group
from gateway.cli.output import Columns, note, print_json, print_page, say

app = group("Add, list, rotate and remove operators, and end their browser sessions.")
Name = Annotated[str, typer.Argument(metavar="NAME", help="From `operators list`.")]
_COLUMNS: Columns = {
    "name": "name",
    "role": "role",
    "created": "created_at",
    "by": "created_by",
    "used": "used",
    "removed": "removed_at",
}
_SESSIONS: Columns = {"id": "id", "operator": "name", "opened": "opened_at", "seen": "seen_at"}


@app.command()
def add(
    name: Annotated[str, typer.Argument(metavar="NAME", help='Lower-case letters, digits and ".-".')],
    role: Annotated[str, typer.Option("--role", help="viewer, steward or admin.")],
    config: ConfigFile = DEFAULT_CONFIG,
    json: AsJson = False,
) -> None:
    """Add an operator. The token is shown only once."""
    _show(
        ask(config, lambda admin: admin.post("/operators", {"name": name, "role": role}), changes=True),
        as_json=json,
    )


@app.command("list")
def list_(
    config: ConfigFile = DEFAULT_CONFIG, limit: PageSize = 50, cursor: Cursor = "", json: AsJson = False
) -> None:
    """List operators, without their tokens."""
    print_page(fetch(config, "/operators", limit=limit, cursor=cursor), _COLUMNS, as_json=json)


@app.command()
def rotate(
    name: Name,
    grace: Annotated[
        int, typer.Option("--grace", min=0, help="How many seconds the old token stays valid.")
    ] = 3600,
    config: ConfigFile = DEFAULT_CONFIG,
    json: AsJson = False,
) -> None:
    """Give an operator another token, shown only once, and end their browser sessions."""
    _show(
        ask(
            config,
            lambda admin: admin.post(f"/operators/{segment(name)}/rotate", {"grace_seconds": grace}),
            changes=True,
        ),
        as_json=json,
    )


@app.command()
def remove(name: Name, yes: Yes = False, config: ConfigFile = DEFAULT_CONFIG, json: AsJson = False) -> None:
    """Remove an operator: every gateway refuses their token, and their browser sessions end."""
    confirm(f"Remove {name}? Their token and sessions are refused from then on.", yes=yes)
    answer = ask(config, lambda admin: admin.delete(f"/operators/{segment(name)}"), changes=True)
    if json:
        print_json(answer)
    else:
        say(f"{answer['name']} is removed")


@app.command()
def sessions(
    config: ConfigFile = DEFAULT_CONFIG, limit: PageSize = 50, cursor: Cursor = "", json: AsJson = False
) -> None:
    """List the browser sessions that are open."""
    print_page(fetch(config, "/sessions", limit=limit, cursor=cursor), _SESSIONS, as_json=json)


@app.command("end-session")
def end_session(
    session: Annotated[str, typer.Argument(metavar="ID", help="From `operators sessions`.")],
    config: ConfigFile = DEFAULT_CONFIG,
    json: AsJson = False,
) -> None:
    """End a browser session: the operator has to log in again."""
    answer = ask(config, lambda admin: admin.delete(f"/sessions/{segment(session)}"), changes=True)
    if json:
        print_json(answer)
    else:
        say("the session is over" if answer["changed"] else "the session was over before")


def _show(issued: Any, *, as_json: bool) -> None:
    if as_json:
        print_json(issued)
        return
    say(issued["token"])
    note(f"the token of {issued['name']}, whose role is {issued['role']}; shown only now")
    note("commands use it from GATEWAY_ADMIN_TOKEN")
