"""SIGHUP to a gateway that serves: it goes by the new settings, or by all of the old ones and says why; no call is lost."""

import json
import os
import signal
import subprocess
import sys
from typing import Any

from tests.support.processes.client import ADMIN_TOKEN, admin_request, call, customer_request, request
from tests.support.processes.evidence import all_decided, findings, rows
from tests.support.processes.gateway_process import Launch, Process
from tests.support.processes.load import introduce_customers, load, pairs, told, until

_KIOSK_KEY = "kiosk-api-key-0123456789"
_KIOSK = (
    f'[[channel]]\nname = "kiosk"\napi_key = "{_KIOSK_KEY}"\nsecret_key = "kiosk-secret-key-0123456789"\n'
)
_ACHIEVE = "/api/v4.0/integrations/customers/social-challenges"
_RELOADS = 5


def said(process: Process, *events: str) -> list[dict[str, Any]]:
    written = process.log.read_text().rpartition("\n")[0].splitlines()
    lines = (json.loads(line) for line in written if '"config_' in line)
    return [line for line in lines if line["event"] in events]


def named(process: Process) -> set[str]:
    """The settings that were refused."""
    return {line["problem"].split(": ")[1] for line in said(process, "config_refused")}


async def reload(process: Process, text: str) -> list[dict[str, Any]]:
    """Write the settings, send the signal, and wait for what the log says of it."""
    process.config.write_text(text)
    ends = ("config_reloaded", "config_unchanged", "config_refused")
    before = len(said(process, *ends))
    os.kill(process.pid, signal.SIGHUP)
    await until(lambda: len(said(process, *ends)) > before)
    return said(process, *ends)[before:]


async def metrics(process: Process) -> dict[str, float]:
    text = (await call(process.admin_port, admin_request("/metrics"))).body.decode()
    samples = (line.rsplit(" ", 1) for line in text.splitlines() if not line.startswith("#"))
    return {name: float(value) for name, value in samples}


def kiosk_request(customer_id: str) -> bytes:
    keys = {"apikey": _KIOSK_KEY, "secretkey": "kiosk-secret-key-0123456789"}
    body = json.dumps({"customerId": customer_id, "challengeId": 1}).encode()
    return request("POST", _ACHIEVE, body, keys, keys=False)


def check(process: Process, *options: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "gateway", "check", "--config", str(process.config), "--diff", *options],
        env={**os.environ, "GATEWAY_ADMIN_TOKEN": ADMIN_TOKEN},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


async def test_a_hang_up_takes_over_channels_and_campaigns(prepare: Launch) -> None:
    process = prepare({"achievements": {"grant_delay": ["0s", "0s"]}}).start()
    settings = process.config.read_text()
    assert (await call(process.port, customer_request("ann"))).status == 200
    assert (await call(process.port, kiosk_request("ann"))).status == 401
    wanted = settings.replace("points = 1\n", "points = 77\n") + _KIOSK
    process.config.write_text(wanted)
    assert check(process).stdout == "channel[kiosk]: added\ncampaign[1].points: 1 -> 77\n"
    (line,) = await reload(process, wanted)
    assert line["settings"] == ["channel[kiosk]", "campaign[1].points"]
    assert json.loads(check(process, "--json").stdout) == {"ok": True, "changes": []}
    assert (await call(process.port, kiosk_request("ann"))).status != 401
    await reload(process, wanted.replace(_KIOSK, ""))
    assert (await call(process.port, kiosk_request("ann"))).status == 401
    body = json.dumps({"customerId": "ann", "challengeId": 1}).encode()
    assert (await call(process.port, request("POST", _ACHIEVE, body))).status == 202
    await all_decided(process)
    assert process.stop() == 0
    assert rows(process.database, "SELECT points FROM ledger") == [(77,)]
    events = rows(
        process.database, "SELECT detail FROM audit WHERE action = 'config.reloaded' ORDER BY event_id"
    )
    assert [json.loads(detail)["settings"] for (detail,) in events] == [
        ["channel[kiosk]", "campaign[1].points"],
        ["channel[kiosk]"],
    ]
    assert _KIOSK_KEY not in process.log.read_text() + str(events)


async def test_a_hang_up_with_unusable_settings_changes_nothing_and_says_why(prepare: Launch) -> None:
    process = prepare().start()
    settings = process.config.read_text()
    started = await metrics(process)
    assert started["gateway_config_last_reload_successful"] == 1
    broken = (
        settings + _KIOSK + '[[channel]]\nname = "till"\nkind = "secret-typed-here"\n[[tier]]\norder = 1\n'
    )
    await reload(process, broken)
    await until(lambda: {"channel[2].kind", "tier[0].name", "tier[0].min_progress"} <= named(process))
    assert "secret-typed-here" not in process.log.read_text()
    moved = settings.replace(f'listen = "127.0.0.1:{process.port}"', 'listen = "127.0.0.1:1"') + _KIOSK
    process.config.write_text(moved)
    checked = check(process)
    assert checked.returncode == 1
    assert f'server.listen: "127.0.0.1:{process.port}" -> "127.0.0.1:1"' in checked.stdout
    assert "server.listen cannot change" in checked.stderr
    (line,) = await reload(process, moved)
    assert line["problem"].startswith("server.listen: cannot change while the gateway runs")
    assert (await call(process.port, kiosk_request("ann"))).status == 401
    assert (await call(process.port, customer_request("ann"))).status == 200
    refused = await metrics(process)
    assert refused["gateway_config_last_reload_successful"] == 0
    taken_at = "gateway_config_last_reload_success_timestamp_seconds"
    assert refused[taken_at] == started[taken_at]
    process.config.unlink()
    os.kill(process.pid, signal.SIGHUP)
    await until(lambda: "there is no such file" in process.log.read_text())
    os.mkfifo(process.config)
    os.kill(process.pid, signal.SIGHUP)
    await until(lambda: "it is a pipe, not a file" in process.log.read_text())
    process.config.unlink()
    (line,) = await reload(process, settings)
    assert line["event"] == "config_unchanged"
    taken = await metrics(process)
    assert taken["gateway_config_last_reload_successful"] == 1
    assert taken[taken_at] > started[taken_at]
    assert process.stop() == 0
    assert rows(process.database, "SELECT count(*) FROM audit WHERE action = 'config.reloaded'") == [(0,)]


async def test_calls_during_reloads_are_all_answered(prepare: Launch) -> None:
    process = prepare().start()
    await introduce_customers(process)
    settings = process.config.read_text()
    async with load(process, pairs()) as history:
        for number in range(_RELOADS):
            accepted = told(history, "accepted")
            await until(lambda: told(history, "accepted") > accepted + 50)  # noqa: B023 - waited for here
            (line,) = await reload(process, settings.replace("points = 40\n", f"points = {100 + number}\n"))
            assert line["settings"] == ["campaign[40].points"]
    assert told(history, "accepted") == len(history)
    await all_decided(process)
    assert process.stop() == 0
    assert findings(process, history) == []
