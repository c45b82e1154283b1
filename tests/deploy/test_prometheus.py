"""Dashboards and alert rules: what they name exists, they say what they should, and a real Prometheus answers them."""

from __future__ import annotations

import asyncio
import json
import re
import socket
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest
import yaml

from gateway.audit.verification_record import VerificationRecord
from gateway.telemetry.metrics import Metrics
from tests.support.forwarding import forwarding

if TYPE_CHECKING:
    from tests.support.loyalty_platform import Platform
    from tests.support.running_gateway import RunningGateway, Start

ROOT = Path(__file__).parents[2]
PROMETHEUS = ROOT / "deploy/prometheus"
ALERTS = yaml.safe_load((PROMETHEUS / "alerts.yaml").read_text())["groups"][0]["rules"]
BOARDS = {
    path.stem: json.loads(path.read_text()) for path in sorted((ROOT / "deploy/grafana").glob("*.json"))
}
SUFFIXES = {"histogram": ("_bucket", "_count", "_sum"), "counter": ("_total",)}
OF_PROMETHEUS = {"up"}
VARIABLES = {"$__rate_interval": "1m", "$instance": ".*"}


def queries() -> list[str]:
    """Of every panel, as Grafana sends them."""
    found = [
        target["expr"]
        for board in BOARDS.values()
        for panel in board["panels"]
        for target in panel["targets"]
    ]
    for name, value in VARIABLES.items():
        found = [query.replace(name, value) for query in found]
    return found


def exported() -> set[str]:
    return {
        family.name + suffix
        for family in Metrics().registry.collect()
        for suffix in SUFFIXES.get(family.type, ("",))
    }


def promtool(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = ["promtool", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)


@pytest.mark.parametrize("query", [*queries(), *(rule["expr"] for rule in ALERTS)])
def test_every_metric_in_the_alert_rules_and_dashboards_exists(query: str) -> None:
    plain = re.sub(r'"[^"]*"', "", query)
    asked = set(re.findall(r"\b(?:gateway|process)_\w+(?=[{\[ )]|$)", re.sub(r"\{[^}]*\}", "{", plain)))
    assert asked or query.startswith("up{")
    assert asked <= exported() | OF_PROMETHEUS


def test_the_alert_rules_are_valid_and_fire_when_they_should() -> None:
    checked = promtool("check", "rules", PROMETHEUS / "alerts.yaml")
    assert checked.returncode == 0, checked.stderr
    tested = promtool("test", "rules", *sorted(PROMETHEUS.glob("*_test.yaml")))
    assert tested.returncode == 0, tested.stdout + tested.stderr


def test_every_alert_is_tested_and_has_its_page_in_the_runbook() -> None:
    runbook = (ROOT / "docs/operations/runbook.md").read_text()
    tests = "".join(path.read_text() for path in PROMETHEUS.glob("*_test.yaml"))
    names = [rule["alert"] for rule in ALERTS]
    assert re.findall(r"^## (.*)$", runbook, flags=re.M) == names
    for rule in ALERTS:
        assert rule["annotations"]["runbook"] == f"docs/operations/runbook.md#{rule['alert'].lower()}"
        assert f'alertname="{rule["alert"]}"' in tests
        assert rule["labels"]["severity"] in ("page", "ticket")


def test_dashboards_have_ids_and_names_of_their_own() -> None:
    assert set(BOARDS) == {"overview", "identity", "deliveries"}
    for name, board in BOARDS.items():
        assert board["uid"] == f"gateway-{name}"
        panels = board["panels"]
        assert (
            len({panel["id"] for panel in panels}) == len({panel["title"] for panel in panels}) == len(panels)
        )
        assert {panel["datasource"]["uid"] for panel in panels} == {"${datasource}"}


class Prometheus:
    """Debian's, scraping one gateway five times a second. `hastily`: what has to last for minutes may last for a second."""

    def __init__(self, directory: Path, target: str, *, hastily: bool = False) -> None:
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.url = f"http://127.0.0.1:{free.getsockname()[1]}"
        settings = yaml.safe_load((PROMETHEUS / "prometheus.yaml").read_text())
        (job,) = settings["scrape_configs"]
        assert job["static_configs"] == [{"targets": ["127.0.0.1:8081"]}]
        job |= {
            "scrape_interval": "200ms",
            "scrape_timeout": "200ms",
            "static_configs": [{"targets": [target]}],
        }
        rules = (PROMETHEUS / "alerts.yaml").read_text()
        written = re.sub(r"for: \d+m$", "for: 1s", rules, flags=re.M) if hastily else rules
        (directory / "alerts.yaml").write_text(written)
        settings["rule_files"] = [str(directory / "alerts.yaml")]
        settings["global"] = {"evaluation_interval": "200ms"}
        (directory / "prometheus.yaml").write_text(yaml.safe_dump(settings))
        self.process = subprocess.Popen(
            [
                "prometheus",
                f"--config.file={directory}/prometheus.yaml",
                f"--storage.tsdb.path={directory}/data",
                f"--web.listen-address={self.url.removeprefix('http://')}",
                "--log.level=error",
            ]
        )

    async def ask(self, session: aiohttp.ClientSession, query: str) -> list[Any]:
        async with session.get(f"{self.url}/api/v1/query", params={"query": query}) as answer:
            said = await answer.json()
        assert said["status"] == "success", (query, said)
        return said["data"]["result"]

    async def until(self, session: aiohttp.ClientSession, query: str) -> list[Any]:
        """What it answers once it answers something."""
        async with asyncio.timeout(60):
            while True:
                try:
                    if found := await self.ask(session, query):
                        return found
                except aiohttp.ClientError:
                    assert self.process.poll() is None
                await asyncio.sleep(0.05)


async def test_a_real_prometheus_answers_the_dashboards_and_raises_an_alert(
    gateway: RunningGateway, tmp_path: Path
) -> None:
    prometheus = Prometheus(tmp_path, gateway.admin_url.removeprefix("http://"))
    try:
        async with aiohttp.ClientSession() as session:
            await prometheus.until(session, 'gateway_requests_total or up{job="gateway"} == 1')
            for customer in ("ann", "bob"):
                async with gateway.call("POST", "customers", json={"customerId": customer}):
                    pass
                rate = 'rate(gateway_requests_total{channel="web"}[1m])'
                await prometheus.until(
                    session, rate if customer == "bob" else rate.replace("rate", "last_over_time")
                )
            unanswered = [query for query in queries() if not await prometheus.ask(session, query)]
            assert not {query for query in unanswered if "process_" in query or "gateway_request_" in query}
            async with gateway.admin("GET", "audit/verify"):
                pass
            await prometheus.until(session, "gateway_audit_verified_timestamp_seconds > 0")
            services = gateway.services
            await services.verifications.note(
                VerificationRecord(services.clock.now(), breaches=1, state=False)
            )
            (alert,) = await prometheus.until(
                session, 'ALERTS{alertname="GatewayAuditBroken", alertstate="firing"}'
            )
            assert alert["metric"]["severity"] == "page"
    finally:
        prometheus.process.terminate()
        prometheus.process.wait(20)


async def test_a_platform_that_dies_is_an_alert(start: Start, platform: Platform, tmp_path: Path) -> None:
    firing = 'ALERTS{alertname="GatewayBreakerOpen", alertstate="firing"}'
    async with forwarding(start, platform) as gateway, aiohttp.ClientSession() as session:
        prometheus = Prometheus(tmp_path, gateway.admin_url.removeprefix("http://"), hastily=True)
        try:
            await prometheus.until(session, 'up{job="gateway"} == 1')
            assert not await prometheus.ask(session, firing)
            await platform.refuse()
            for customer in range(6):
                body = {"customerId": f"ann-{customer}", "challengeId": 1}
                async with gateway.call("POST", "customers/social-challenges", json=body) as answer:
                    assert answer.status == 202
            await prometheus.until(session, firing)
        finally:
            prometheus.process.terminate()
            prometheus.process.wait(20)
