"""`gateway operators`: who may use the admin listener, and the browsers in which they are logged in."""

from typing import Annotated, Any

import typer

from gateway.cli.admin_client import Admin, ask, segment
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

    async def added(admin: Admin) -> Any:
        return await admin.post("/operators", {"name": name, "role": role})

    _show(ask(config, added, changes=True), as_json=json)


@app.command("list")
def list_(
    config: ConfigFile = DEFAULT_CONFIG, limit: PageSize = 50, cursor: Cursor = "", json: AsJson = False
) -> None:
    """List operators, without their tokens."""

    async def listed(admin: Admin) -> Any:
        return await admin.get("/operators", limit=limit, cursor=cursor)

    print_page(ask(config, listed), _COLUMNS, as_json=json)


@app.command()
def rotate(
    name: Name,
    grace: Annotated[
        int, typer.Option("--grace", min=0, help="For how many seconds the present token is still taken.")
    ] = 3600,
    config: ConfigFile = DEFAULT_CONFIG,
    json: AsJson = False,
) -> None:
    """Give an operator another token, shown only once, and end their browser sessions."""

    async def rotated(admin: Admin) -> Any:
        return await admin.post(f"/operators/{segment(name)}/rotate", {"grace_seconds": grace})

    _show(ask(config, rotated, changes=True), as_json=json)


@app.command()
def remove(name: Name, yes: Yes = False, config: ConfigFile = DEFAULT_CONFIG, json: AsJson = False) -> None:
    """Remove an operator: every gateway refuses their token, and their browser sessions end."""
    confirm(f"Remove {name}? Their token and sessions are refused from then on.", yes=yes)

    async def removed(admin: Admin) -> Any:
        return await admin.delete(f"/operators/{segment(name)}")

    answer = ask(config, removed, changes=True)
    if json:
        print_json(answer)
    else:
        say(f"{answer['name']} is removed")


@app.command()
def sessions(
    config: ConfigFile = DEFAULT_CONFIG, limit: PageSize = 50, cursor: Cursor = "", json: AsJson = False
) -> None:
    """List the browser sessions that are open."""

    async def listed(admin: Admin) -> Any:
        return await admin.get("/sessions", limit=limit, cursor=cursor)

    print_page(ask(config, listed), _SESSIONS, as_json=json)


@app.command("end-session")
def end_session(
    session: Annotated[str, typer.Argument(metavar="ID", help="From `operators sessions`.")],
    config: ConfigFile = DEFAULT_CONFIG,
    json: AsJson = False,
) -> None:
    """End a browser session: the operator has to log in again."""

    async def ended(admin: Admin) -> Any:
        return await admin.delete(f"/sessions/{segment(session)}")

    answer = ask(config, ended, changes=True)
    if json:
        print_json(answer)
    else:
        say("the session is over" if answer["changed"] else "the session was over before")


def _show(issued: Any, *, as_json: bool) -> None:
    if as_json:
        print_json(issued)
        return
    say(issued["token"])
    note(f"the token of {issued['name']}, who is a {issued['role']}; shown only now")
    note("commands use it from GATEWAY_ADMIN_TOKEN")
