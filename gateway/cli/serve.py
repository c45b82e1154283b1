"""`gateway serve`: runs the gateway until it is told to stop. Hints for a person go to stderr, because stdout has the log."""

import shlex
import signal
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from gateway.cli.options import DEFAULT_CONFIG, ConfigFile, settings
from gateway.cli.output import note
from gateway.config import Channel, Config, Key
from gateway.config.urls import store_url_text

_API = "/api/v4.0/integrations/customers"


def serve(
    config: ConfigFile = DEFAULT_CONFIG,
    processes: Annotated[
        int,
        typer.Option(
            min=1, max=64, help="Serving processes on this machine; more than one needs PostgreSQL."
        ),
    ] = 1,
    inherited: Annotated[str, typer.Option(hidden=True)] = "",
) -> None:
    """Run the gateway until SIGTERM or Ctrl-C. SIGHUP reads the settings again. With several processes, SIGHUP exchanges one
    after the other, and no connection is refused."""
    for number in (signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2):
        signal.signal(number, signal.SIG_IGN)  # printed first, because loading the rest takes a moment
    if processes > 1:
        raise typer.Exit(_serve_in(processes, config))
    from gateway.app.inherited import Inherited
    from gateway.app.serving import serve as serve_until_told

    given = Inherited.read(inherited) if inherited else None

    def announce(loaded: Config, public: str, admin: str) -> None:
        if given is None or given.number == 1:
            note(welcome(loaded, public, admin))

    raise typer.Exit(serve_until_told(lambda: settings(config), announce, given))


def _serve_in(processes: int, config: Path) -> int:
    from gateway.app.inherited import Inherited
    from gateway.app.supervisor import supervise

    def command(given: Inherited) -> list[str]:
        own = ["serve", "--config", str(config), "--inherited", given.text()]
        return [sys.executable, "-m", "gateway", *own]

    return supervise(settings(config), processes, command)


def welcome(config: Config, public_url: str, admin_url: str) -> str:
    """Prints the listeners, the database, and two calls to paste: one creates a customer, one reports a campaign."""
    channel = config.channels[0] if config.channels else None
    campaign = config.campaigns[0].id if config.campaigns else 1
    customer = {"customerId": "web-1001", "email": "ann@example.com"}
    return "\n".join(
        (
            f"public   {public_url}",
            f"admin    {admin_url}",
            f"store    {_database(config)}",
            "",
            "Try it:",
            _curl(public_url + _API, channel, _json(customer)),
            _curl(
                f"{public_url}{_API}/social-challenges",
                channel,
                _json({"customerId": "web-1001", "challengeId": campaign}),
            ),
            "",
        )
    )


def _database(config: Config) -> str:
    return config.store.sqlite_path or store_url_text(config.store.url)


def _curl(url: str, channel: Channel | None, body: str) -> str:
    api_key = _shown(channel.api_key if channel else None, "YOUR_API_KEY")
    secret_key = _shown(channel.secret_key if channel else None, "YOUR_SECRET_KEY")
    headers = (f"APIKey: {api_key}", f"SecretKey: {secret_key}", "Content-Type: application/json")
    return " ".join(
        (
            "curl -i",
            shlex.quote(url),
            *(f"-H {shlex.quote(header)}" for header in headers),
            f"-d {shlex.quote(body)}",
        )
    )


def _shown(key: Key | None, placeholder: str) -> str:
    """Prints only the keys of the shipped example, which are no secret."""
    secret = key.secret if key else None
    if secret is None or secret.source != "inline" or not secret.reveal().startswith("example-"):
        return placeholder
    return secret.reveal()


def _json(value: Mapping[str, object]) -> str:
    return msgspec.json.encode(value).decode()
