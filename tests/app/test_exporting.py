"""The export of spans as a part of a serving gateway: off, without its packages, and with a collector that is down or refuses."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from gateway.app.exporting import make_encoder
from gateway.app.inherited import Inherited
from gateway.config import Config, ConfigError, TracingSettings, load, warnings
from gateway.telemetry.tracing import Span
from tests.support.collector import Collector, collecting, decoded
from tests.support.public_api import until
from tests.support.running_gateway import settings

if TYPE_CHECKING:
    from tests.support.running_gateway import RunningGateway, Start

SPAN = Span("1" * 32, "2" * 16, "", "internal", "commit", 1, 2, {})
ENDPOINT = '[tracing]\nendpoint = "http://127.0.0.1:4318"\n'


def ran(code: str, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", code, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)


def logged(gateway: RunningGateway) -> list[str]:
    gateway.services.telemetry.writer.flush()
    lines = map(json.loads, (gateway.directory / "gateway.log").read_text().splitlines())
    return [line["event"] for line in lines if line["event"].startswith("spans_")]


async def save(gateway: RunningGateway, count: int = 1) -> None:
    for _ in range(count):
        async with gateway.call("POST", "customers", json={"customerId": "ann"}) as answer:
            assert answer.status == 200


def counted(gateway: RunningGateway, outcome: str) -> float | None:
    registry = gateway.services.telemetry.metrics.registry
    return registry.get_sample_value("gateway_spans_total", {"outcome": outcome})


# ---- off, or without its packages ----


def test_a_gateway_that_exports_nothing_never_loads_the_packages_for_it() -> None:
    code = "import sys, gateway.app.serving; print({name.split('.')[0] for name in sys.modules} & {'opentelemetry', 'google'})"
    assert ran(code).stdout == "set()\n"


async def test_a_gateway_without_a_collector_follows_nothing(start: Start) -> None:
    async with start() as gateway:
        assert gateway.services.telemetry.tracing is None
        assert gateway.services.pipeline.follow is None


@pytest.mark.parametrize("command", ["check", "serve"])
def test_a_collector_needs_the_extra_and_the_commands_say_so(command: str, tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text(settings(tmp_path, ENDPOINT))
    code = "import sys; sys.modules['opentelemetry'] = None; from gateway.cli import main; main()"
    found = ran(code, command, "--config", path)
    assert found.returncode == 2
    assert "tracing.endpoint: needs the packages of the extra otlp" in found.stderr
    assert "pip install 'loyalty-identity-gateway[otlp]'" in found.stderr
    assert not (tmp_path / "gateway.db").exists()


# ---- settings ----


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ('endpoint = "127.0.0.1:4318"', "is not a web address"),
        ('endpoint = "http://127.0.0.1:4318/v1/traces"', "leave out /v1/traces"),
        ("sample_ratio = 1.5", "write a number from 0 to 1"),
        ('token_header = "Authorization: Bearer token"', "a header's name"),
        ('token_header = "a: b\\r\\nc"', "a header's name"),
    ],
)
def test_what_cannot_be_a_collector_is_named(line: str, problem: str, tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text(settings(tmp_path, f"[tracing]\n{line}\n"))
    with pytest.raises(ConfigError, match=problem):
        load(path, {})


def test_a_token_on_an_unencrypted_way_is_a_warning(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text(settings(tmp_path, ENDPOINT + 'token = "collector-token"\n'))
    assert [
        line for line in warnings(load(path, {})) if line.startswith("tracing.endpoint: is not encrypted")
    ]


@pytest.mark.parametrize(
    ("header", "name", "sent"),
    [
        ("Authorization: Bearer", "Authorization", "Bearer collector-token"),
        ("Authorization: Basic", "Authorization", "Basic collector-token"),
        ("api-key", "api-key", "collector-token"),
    ],
)
async def test_the_token_goes_out_as_the_collector_wants_it_and_nowhere_else(
    start: Start, header: str, name: str, sent: str
) -> None:
    async with collecting(Collector()) as collector:
        extra = f'{collector.settings}token = "collector-token"\ntoken_header = "{header}"\n'
        async with start(extra) as gateway:
            await save(gateway)
            await gateway.reload(extra.replace('"collector-token"', '"another-token"'))
            directory = gateway.directory
    assert [headers[name] for headers in collector.headers] in (
        [sent.replace("collector-", "another-")],
        [sent, sent.replace("collector-", "another-")],
    )
    assert "-token" not in (directory / "gateway.log").read_text()


@pytest.mark.parametrize(("compression", "encoding"), [("gzip", "gzip"), ("none", None)])
async def test_what_is_sent_is_compressed_unless_the_settings_say_no(
    start: Start, compression: str, encoding: str | None
) -> None:
    async with collecting(Collector()) as collector:
        extra = f'{collector.settings}compression = "{compression}"\n'
        async with start(collector.settings if compression == "gzip" else extra) as gateway:
            await save(gateway)
            await collector.until(lambda: collector.spans)
            await gateway.reload(extra.replace(compression, "none"))
            collector.spans.clear()
            await save(gateway)
            await collector.until(lambda: collector.spans)
    first, *_, last = (headers.get("Content-Encoding") for headers in collector.headers)
    assert (first, last) == (encoding, None)


# ---- the resource ----


def test_processes_are_told_apart() -> None:
    config = Config(tracing=TracingSettings(endpoint="http://127.0.0.1:4318", service_name="shop"))
    found: list[dict[str, Any]] = []
    for inherited in (None, Inherited(2, 3, 4, 5), Inherited(2, 3, 4, 5)):
        encoder = make_encoder(config, inherited)
        assert encoder is not None
        found.append(decoded(encoder.encode([SPAN]))[0].resource)
    assert {one["service.name"] for one in found} == {"shop"}
    assert len({one["service.instance.id"] for one in found}) == 3
    assert [one.get("gateway.process") for one in found] == [None, 2, 2]
    assert all(one["process.pid"] > 0 and one["host.name"] and one["service.version"] for one in found)


# ---- collectors ----


async def test_an_outage_costs_no_call_and_two_lines_and_what_waited_is_sent_after_it(start: Start) -> None:
    async with collecting(Collector()) as collector:
        pass
    async with start(collector.settings) as gateway:
        await save(gateway, 3)
        await until(lambda: logged(gateway) == ["spans_not_taken"])
        async with collecting(collector):
            await collector.until(lambda: len([one for one in collector.spans if one.kind == "server"]) == 3)
            await save(gateway)
            await until(lambda: logged(gateway) == ["spans_not_taken", "spans_taken_again"])


async def test_a_collector_that_is_too_busy_gets_the_same_spans_again(start: Start) -> None:
    async with collecting(Collector()) as collector:
        collector.status = 503
        async with start(collector.settings) as gateway:
            await save(gateway)
            await collector.until(lambda: collector.asked)
            collector.status = 200
            await collector.until(lambda: collector.spans)
            await until(lambda: logged(gateway) == ["spans_not_taken", "spans_taken_again"])
    assert {one.name for one in collector.spans} == {"POST /customers", "commit"}


async def test_what_a_collector_refuses_for_good_is_counted_and_not_sent_again(start: Start) -> None:
    async with collecting(Collector()) as collector:
        collector.status = 401
        async with start(collector.settings) as gateway:
            await save(gateway)
            await collector.until(lambda: collector.asked)
            await until(lambda: logged(gateway) == ["spans_not_taken"])
            assert counted(gateway, "refused") == 2
            collector.status, collector.rejects = 200, 1
            await save(gateway)
            await collector.until(lambda: collector.spans)
            await until(lambda: counted(gateway, "refused") == 3)
            assert counted(gateway, "sent") == 1


async def test_a_collector_that_never_answers_holds_no_stop_up(start: Start) -> None:
    async with collecting(Collector()) as collector:
        collector.hangs = True
        async with start(collector.settings) as gateway:
            await save(gateway)
            await collector.until(lambda: collector.asked)
            await save(gateway)
    assert counted(gateway, "not_sent") == 4
    assert counted(gateway, "sent") is None
