"""`gateway keys`: key pairs of the channels."""

from typing import Annotated

import typer

from gateway.cli.admin_client import ask, fetch, segment
from gateway.cli.confirm import Yes, confirm
from gateway.cli.options import DEFAULT_CONFIG, AsJson, ConfigFile, Cursor, OnlyChannel, PageSize, group
from gateway.cli.output import Columns, note, print_json, print_page, say

app = group("Issue, list and revoke the key pairs of channels.")
Channel = Annotated[str, typer.Option("--channel", help="The channel's name in the settings.")]
_COLUMNS: Columns = {
    "id": "id",
    "channel": "channel",
    "created": "created_at",
    "by": "created_by",
    "last used": "used_at",
    "revoked": "revoked_at",
}


@app.command()
def new(channel: Channel, config: ConfigFile = DEFAULT_CONFIG, json: AsJson = False) -> None:
    """Issue a key pair. It is shown only once."""
    issued = ask(config, lambda admin: admin.post("/keys", {"channel": channel}), changes=True)
    if json:
        print_json(issued)
        return
    say(f"APIKey: {issued['api_key']}\nSecretKey: {issued['secret_key']}")
    note(f"pair {issued['id']} of {channel}; shown only now, send both as headers:")
    note(f"curl -H 'APIKey: {issued['api_key']}' -H 'SecretKey: {issued['secret_key']}' …")


@app.command("list")
def list_(
    config: ConfigFile = DEFAULT_CONFIG,
    channel: OnlyChannel = "",
    limit: PageSize = 50,
    cursor: Cursor = "",
    json: AsJson = False,
) -> None:
    """List key pairs, without the keys."""
    print_page(
        fetch(config, "/keys", channel=channel, limit=limit, cursor=cursor),
        _COLUMNS,
        as_json=json,
    )


@app.command()
def revoke(
    key_id: Annotated[str, typer.Argument(metavar="ID", help="From `keys list`.")],
    yes: Yes = False,
    config: ConfigFile = DEFAULT_CONFIG,
    json: AsJson = False,
) -> None:
    """Revoke a key pair; a running gateway refuses it at once."""
    confirm(f"Revoke {key_id}? Calls with it are refused from then on.", yes=yes)
    answer = ask(config, lambda admin: admin.delete(f"/keys/{segment(key_id)}"), changes=True)
    if json:
        print_json(answer)
    else:
        say(f"{key_id} is revoked" if answer["changed"] else f"{key_id} was revoked before")
