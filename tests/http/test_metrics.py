"""The metrics of a gateway that serves: what they say, and that no caller can make more of them."""

from __future__ import annotations

import random
import ssl
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from prometheus_client.parser import text_string_to_metric_families

from gateway.clock import DAY, SECOND
from gateway.http.gameball.operations import DOCUMENTED, OUTSIDE, PREFLIGHT, UNLISTED
from gateway.telemetry.durations import bounds_up_to
from gateway.telemetry.metrics import Metrics
from gateway.usecases.deliver import UPSTREAM
from gateway.workers.database_metrics import RowCounter, measure
from tests.http.admin.test_regroupings import FAILED
from tests.support.certificates import loopback_certificate
from tests.support.forwarding import forward_settings, forwarding
from tests.support.people import achieve, one_person

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

    from tests.support.loyalty_platform import Platform
    from tests.support.running_gateway import RunningGateway, Start

Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]


async def scraped(gateway: RunningGateway) -> Samples:
    async with gateway.client.get(f"{gateway.admin_url}/metrics") as answer:
        families = text_string_to_metric_families(await answer.text())
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in families
        for sample in family.samples
    }


def value(samples: Samples, name: str, **labels: str) -> float:
    """The sum over every series of that name with these labels."""
    found = [number for (named, of), number in samples.items() if named == name and labels.items() <= of]
    assert found, (name, labels)
    return sum(found)


async def look(gateway: RunningGateway) -> Samples:
    services = gateway.services
    path = services.config.store.sqlite_path
    await measure(services.store, path, services.clock, services.telemetry.metrics)
    await services.verifications.last()
    return await scraped(gateway)


async def save(gateway: RunningGateway, channel: str, **body: str) -> int:
    async with gateway.call("POST", "customers", channel=channel, json=body) as answer:
        return answer.status


async def test_calls_are_counted_by_channel_and_commits_are_timed(gateway: RunningGateway) -> None:
    assert [await save(gateway, name, customerId="ann") for name in ("web", "web", "pos")] == [200] * 3
    assert await save(gateway, "web", customerId="") != 200
    found = await scraped(gateway)
    assert value(found, "gateway_requests_total", channel="web", status="200") == 2
    assert value(found, "gateway_requests_total", channel="pos", decision="created") == 1
    assert value(found, "gateway_request_seconds_count") == 4
    assert value(found, "gateway_pipeline_batch_size_sum") >= 3
    assert value(found, "gateway_pipeline_commit_seconds_count") >= 3
    assert value(found, "gateway_pipeline_waiting") == 0
    assert value(found, "gateway_build_info") == 1
    assert value(found, "process_open_fds") > 0


async def test_a_measurement_of_the_database_has_its_size_and_open_questions(
    gateway: RunningGateway, engine: str
) -> None:
    await save(gateway, "web", customerId="ann", email="ann@example.com", mobile="01001234567")
    await save(gateway, "pos", customerId="bob", email="bob@example.com", mobile="01007654321")
    found = await look(gateway)
    assert value(found, "gateway_database_bytes") >= 4096
    if engine == "sqlite":
        assert value(found, "gateway_disk_free_bytes") > 0
        assert value(found, "gateway_wal_bytes") > 0
    await gateway.tamper(
        "INSERT INTO review (review_id, profile_a, profile_b, state, reason, rule, types, opened_at, closed_by, records,"
        " evidence) VALUES (1, 1, 2, 'open', 'conflict', '', '', 0, '', '', '')"
    )
    found = await look(gateway)
    assert value(found, "gateway_reviews_open", reason="conflict") == 1


async def test_what_failed_and_waits_for_an_operator_is_counted(gateway: RunningGateway) -> None:
    waiting = ("gateway_grants_failed", "gateway_regroupings_failed", "gateway_jobs_stopped")
    found = await look(gateway)
    assert [value(found, name) for name in waiting] == [0, 0, 0]
    await one_person(gateway.services)
    await achieve(gateway.services, "web", "web-1")
    await gateway.tamper("UPDATE achievement SET state = 'failed'")
    await gateway.tamper(FAILED)
    await gateway.tamper(
        "INSERT INTO job (job_id, kind, filter, reason, matched, created_by, created_at, before, state, done, refused)"
        " VALUES (1, 'undo_merges', '{}', '', 1, 'ann', 1, 1, 'failed', 0, 0)"
    )
    found = await look(gateway)
    assert [value(found, name) for name in waiting] == [1, 1, 1]
    assert value(found, "gateway_jobs_stopped", state="failed") == 1


async def test_an_audit_log_that_is_no_longer_signed_is_visible(gateway: RunningGateway) -> None:
    await gateway.services.store.seal()
    assert value(await look(gateway), "gateway_audit_checkpoint_age_seconds") == 0
    now = gateway.services.clock.now()
    await gateway.tamper(f"UPDATE audit_checkpoint SET at = {now - DAY}")
    age = value(await look(gateway), "gateway_audit_checkpoint_age_seconds")
    assert DAY / SECOND <= age < 2 * DAY / SECOND


async def test_the_end_of_the_platforms_certificate_has_the_target_of_its_deliveries(
    start: Start, platform: Platform, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ends_at = datetime.now(UTC).replace(microsecond=0) + timedelta(days=3)
    certificate = loopback_certificate(tmp_path, ends_at)
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    await platform.refuse()
    platform.tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    platform.tls.load_cert_chain(certificate)
    await platform.accept()
    async with start(forward_settings(platform.url.replace("http:", "https:"))) as gateway:
        async with gateway.call("POST", "customers", json={"customerId": "ann"}) as answer:
            assert answer.status == 200
        found = await scraped(gateway)
    name = "gateway_certificate_expiry_timestamp_seconds"
    assert value(found, name, target=UPSTREAM) == ends_at.timestamp()


async def test_a_verification_is_noted_with_what_it_found(gateway: RunningGateway) -> None:
    assert value(await scraped(gateway), "gateway_audit_verified_timestamp_seconds") == 0
    async with gateway.admin("GET", "audit/verify") as answer:
        assert answer.status == 200
    found = await scraped(gateway)
    assert value(found, "gateway_audit_verified_timestamp_seconds") > 1_700_000_000
    assert value(found, "gateway_audit_breaches") == 0


async def test_the_platform_is_timed_by_kind_of_operation_and_outcome(
    start: Start, platform: Platform
) -> None:
    platform.limits = False
    async with forwarding(start, platform) as gateway:
        await save(gateway, "web", customerId="ann")
        async with gateway.call("GET", "configurations/tiers") as answer:
            await answer.read()
        found = await scraped(gateway)
    assert value(found, "gateway_upstream_seconds_count", operations="customers_write", outcome="2xx") == 1
    assert value(found, "gateway_upstream_seconds_count", operations="others") == 1
    async with forwarding(start, platform, upstream="connect_timeout = '1s'") as gateway:
        await platform.refuse()
        await save(gateway, "web", customerId="ann")
        found = await scraped(gateway)
    assert value(found, "gateway_upstream_seconds_count", outcome="no_connection") >= 1


async def test_no_caller_makes_more_series_than_there_are_operations_and_answers(
    start: Start, platform: Platform
) -> None:
    """Whatever the paths, methods, keys, ids and headers."""
    platform.limits = False
    odd = random.Random(7)
    async with forwarding(start, platform) as gateway:
        for number in range(150):
            word = "".join(odd.choices("abcdefghij%2F.-{}", k=12))
            headers = {"apikey": word} if number % 3 == 0 else {}
            method = odd.choice(["GET", "POST", "PUT", "DELETE", "PATCH", "BREW"])
            path = odd.choice([word, f"customers/{word}/balance", f"{word}/{word}", f"customers?x={word}"])
            async with gateway.call(
                method, path.replace("%", "%25"), headers=headers, json={"customerId": word}
            ):
                pass
        found = await scraped(gateway)
    labels = [dict(of) for name, of in found if name.startswith("gateway_requests")]
    known = {operation.route for operation in (*DOCUMENTED, *OUTSIDE, UNLISTED, PREFLIGHT)} | {"unknown"}
    assert {of["channel"] for of in labels} <= {"", "web"}
    assert {of["route"] for of in labels} <= known
    assert {of["method"] for name, of in found if name == "gateway_unknown_routes_total" for of in [dict(of)]} <= {
        "GET", "POST", "PUT", "DELETE", "PATCH",
    }  # fmt: skip
    assert len(labels) < 60


def test_buckets_end_where_answers_are_cut_off() -> None:
    assert bounds_up_to(30.0)[-1] == 30.0
    assert bounds_up_to(20.0)[-1] == 30.0
    assert bounds_up_to(300.0)[-1] == 300.0
    assert bounds_up_to(0.5)[-1] == 0.5


def test_every_metric_is_there_before_anything_happened() -> None:
    names = {family.name for family in Metrics().registry.collect()}
    assert {"gateway_requests", "gateway_upstream_seconds", "gateway_reviews_open"} <= names


async def test_the_rows_of_each_table_are_counted_one_table_at_a_time(
    gateway: RunningGateway, engine: str
) -> None:
    services = gateway.services
    assert [await save(gateway, "web", customerId=customer) for customer in ("ann", "bob")] == [200, 200]
    counter = RowCounter(services.store, services.telemetry.metrics, is_file=engine == "sqlite")
    if engine == "sqlite":
        names = [
            name
            for [name] in await services.store.fetch(
                "SELECT name FROM pragma_table_list WHERE schema = 'main' AND type = 'table'"
            )
        ]
        known = [name for name in names if not name.startswith("sqlite_")]
        for _ in known:
            await counter.step()
    else:
        await gateway.tamper("ANALYZE record")
        known = ["record", "profile", "audit"]
        await counter.step()
    found = await scraped(gateway)
    assert value(found, "gateway_table_rows", table="record") == 2
    assert {dict(of)["table"] for name, of in found if name == "gateway_table_rows"} >= set(known)
    sizes = {dict(of)["table"]: size for (name, of), size in found.items() if name == "gateway_table_bytes"}
    assert [table for table in known if sizes.get(table, 0) > 0] == ([] if engine == "sqlite" else known)
