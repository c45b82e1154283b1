"""`gateway demo`: starts a gateway in a temporary directory, makes real calls to it, and shows the results. With `--serve`, it
serves a whole shop."""

import asyncio
import contextlib
import os
import secrets
import sys
import tempfile
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import aiohttp
import typer

from gateway.cli.admin_client import Admin, connect
from gateway.cli.failure import Failure
from gateway.cli.history_table import HISTORY_COLUMNS, in_order
from gateway.cli.journey import CAMPAIGN, CHANNELS, POINTS, Journey, Step
from gateway.cli.options import AsJson, settings
from gateway.cli.output import print_json, print_rows, say
from gateway.cli.profile import print_profile
from gateway.plural import counted

_SETTINGS = """\
[server]
listen = "127.0.0.1:{public}"
admin_listen = "127.0.0.1:{admin}"
[store]
url = "sqlite:///{directory}/gateway.db"
min_free_disk = "0B"
[achievements]
dedup_window = "300s"
grant_delay = ["0s", "1s"]
[log]
file = "{directory}/gateway.log"
[[campaign]]
id = {campaign}
name = "Follow us on Facebook"
points = {points}
"""
_CHANNEL = """\
[[channel]]
name = "{name}"
kind = "{kind}"
default_region = "EG"
api_key = "{api_key}"
secret_key = "{secret_key}"
"""
_START_SECONDS = 20
_TOTAL = aiohttp.ClientTimeout(total=30)
"""Long enough for one call on a busy machine."""


class _Started(NamedTuple):
    public_url: str
    admin_url: str


def demo(
    serve: Annotated[
        bool, typer.Option("--serve", help="Open an invented shop with 90 days of history, for its console.")
    ] = False,
    people: Annotated[
        int, typer.Option("--people", min=60, max=20_000, help="How many customers that shop has.")
    ] = 5_000,
    json: AsJson = False,
) -> None:
    """Start a gateway, be one customer on four channels, and see what was merged, refused, granted, and why. With --serve, look
    around in a whole shop until Ctrl-C."""
    if serve and json:
        raise typer.BadParameter("--serve serves until Ctrl-C and has no JSON; leave --json out")
    with tempfile.TemporaryDirectory(prefix="gateway-demo-") as directory:
        if serve:
            from gateway.cli.demo_shop import serve_shop

            raise typer.Exit(serve_shop(Path(directory), people))
        asyncio.run(_demo(Path(directory), as_json=json))


async def _demo(directory: Path, *, as_json: bool) -> None:
    keys = {name: (secrets.token_hex(16), secrets.token_hex(16)) for name in CHANNELS}
    config = directory / "config.toml"
    _write_settings(config, directory, keys, _Started("0", "0"))
    async with _gateway(config, directory) as started:
        ports = _Started(*(url.rpartition(":")[2] for url in started))
        _write_settings(config, directory, keys, ports)
        async with aiohttp.ClientSession(started.public_url, timeout=_TOTAL) as session:
            steps, points = await _play(Journey(session, keys), as_json=as_json)
        async with connect(settings(config), changes=False) as admin:
            profile, story = await _told(admin, steps[-1].profile)
    if as_json:
        document = {
            "steps": [step._asdict() for step in steps],
            "points": points,
            "profile": profile,
            "story": story,
        }
        print_json(document)
    else:
        _print_end(points, profile, story)


def _write_settings(path: Path, directory: Path, keys: dict[str, tuple[str, str]], ports: _Started) -> None:
    channels = (
        _CHANNEL.format(
            name=name,
            kind="offline" if name in ("pos", "callcenter") else "online",
            api_key=api,
            secret_key=secret,
        )
        for name, (api, secret) in keys.items()
    )
    head = _SETTINGS.format(
        public=ports.public_url, admin=ports.admin_url, directory=directory, campaign=CAMPAIGN, points=POINTS
    )
    path.write_text(head + "".join(channels))
    path.chmod(0o600)


@contextlib.asynccontextmanager
async def _gateway(config: Path, directory: Path) -> AsyncGenerator[_Started]:
    """`gateway serve` as a separate process, on ports that the system chooses."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GATEWAY_")}
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "gateway", "serve", "--config", str(config)),
        env=environment,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        yield await _announced(process.stderr)
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
        await process.communicate()


async def _announced(stderr: asyncio.StreamReader | None) -> _Started:
    """The two URLs, which `serve` prints when it is ready for calls."""
    said: dict[str, str] = {}
    try:
        async with asyncio.timeout(_START_SECONDS):
            while stderr and not {"public", "admin"} <= said.keys() and (line := await stderr.readline()):
                name, _, value = line.decode().strip().partition(" ")
                said[name] = value.strip()
        return _Started(said["public"], said["admin"])
    except (TimeoutError, KeyError):
        heard = " ".join(f"{name} {value}" for name, value in said.items())
        raise Failure(f"the gateway did not start: {heard or 'it printed nothing'}") from None


async def _play(journey: Journey, *, as_json: bool) -> tuple[list[Step], int]:
    steps: list[Step] = []
    async for step in journey.play():
        steps.append(step)
        if not as_json:
            say(f"{step.channel:<11}{step.says:<52} {step.status} {step.decision:<9} {step.comment}")
    return steps, await journey.wait_for_points()


async def _told(admin: Admin, profile_id: str) -> tuple[Any, list[Any]]:
    profile = await admin.get(f"/profiles/{profile_id}")
    events = await admin.get(f"/profiles/{profile_id}/history", limit=200)
    return profile, in_order(events["items"])


def _print_end(points: int, profile: Any, story: list[Any]) -> None:
    say("\nOne customer, one profile")
    print_profile(profile)
    say("\nWhy: from the audit log")
    print_rows(story, HISTORY_COLUMNS)
    say(
        f"\n4 customer ids, {counted(len(profile['merges']), 'merge')}, 2 reports of campaign {CAMPAIGN}, "
        f"1 grant: {points} points, the same on every channel."
    )
