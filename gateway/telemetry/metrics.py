"""Counters, gauges and histograms for Prometheus; labels are channels, routes, codes and outcomes, never ids."""

import platform
from collections.abc import Iterator
from importlib.metadata import version

from prometheus_client import CollectorRegistry, Counter, Enum, Gauge, Histogram, ProcessCollector
from prometheus_client.core import CounterMetricFamily, Metric

from gateway.telemetry.durations import Durations, bounds_up_to

_BATCH_SIZES = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512)
_LONGEST_COMMIT = 30.0


class Calls:
    """Calls of channels and to the platform; every call pays for these. `longest` is of the answers, in seconds."""

    def __init__(self, longest: float) -> None:
        self._counts: dict[tuple[str, str, int, str], int] = {}
        bounds = bounds_up_to(longest)
        self._answers = Durations(
            "gateway_request_seconds", "Time to answer a public call", ["route"], bounds
        )
        self._upstream = Durations(
            "gateway_upstream_seconds",
            "Time until the platform's answer began, by rate class of the operation",
            ["operations", "outcome"],
            bounds,
        )

    def note(self, channel: str, route: str, status: int, decision: str, seconds: float) -> None:
        key = (channel, route, status, decision)
        self._counts[key] = self._counts.get(key, 0) + 1
        self._answers.note((route,), seconds)

    def note_upstream(self, operations: str, outcome: str, seconds: float) -> None:
        """`operations` is their rate class; `outcome` a class of statuses, 429, or why there was no answer."""
        self._upstream.note((operations, outcome), seconds)

    def collect(self) -> Iterator[Metric]:
        requests = CounterMetricFamily(
            "gateway_requests", "Public calls answered", labels=["channel", "route", "status", "decision"]
        )
        for (channel, route, status, decision), count in list(self._counts.items()):
            requests.add_metric([channel, route, str(status), decision], count)
        yield requests
        yield self._answers.family()
        yield self._upstream.family()


class Metrics:
    """The gateway's metrics. `longest` is the most seconds that an answer may take."""

    def __init__(self, longest: float = 30.0) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        self.calls = Calls(longest)
        self.registry.register(self.calls)
        self.build = Gauge(
            "gateway_build_info", "1, with the versions", ["version", "python"], registry=self.registry
        )
        self.build.labels(version("loyalty-identity-gateway"), platform.python_version()).set(1)
        self.waiting = Gauge(
            "gateway_pipeline_waiting", "Calls that wait for the next commit", registry=self.registry
        )
        self.batch_size = Histogram(
            "gateway_pipeline_batch_size",
            "Calls in one transaction",
            buckets=_BATCH_SIZES,
            registry=self.registry,
        )
        self.commit_seconds = Histogram(
            "gateway_pipeline_commit_seconds",
            "Time to decide and commit a batch of calls",
            buckets=bounds_up_to(_LONGEST_COMMIT),
            registry=self.registry,
        )
        self.reviews = Gauge(
            "gateway_reviews_open", "Questions that wait for an operator", ["reason"], registry=self.registry
        )
        self.checkpoint_age = Gauge(
            "gateway_audit_checkpoint_age_seconds",
            "How long ago the audit log was signed last, while it has newer events; 0 otherwise",
            registry=self.registry,
        )
        self.audit_verified_at = Gauge(
            "gateway_audit_verified_timestamp_seconds",
            "When the audit log was verified last since this process started, whatever was found; 0 for never",
            registry=self.registry,
        )
        self.audit_breaches = Gauge(
            "gateway_audit_breaches",
            "What the last verification of the audit log found",
            registry=self.registry,
        )
        self.database_bytes = Gauge("gateway_database_bytes", "Size of the database", registry=self.registry)
        self.wal_bytes = Gauge(
            "gateway_wal_bytes", "Size of SQLite's write-ahead log; 0 on PostgreSQL", registry=self.registry
        )
        self.disk_free_bytes = Gauge(
            "gateway_disk_free_bytes",
            "Free space beside the SQLite database; NaN on PostgreSQL, where the disk is another machine's",
            registry=self.registry,
        )
        self.disk_free_bytes.set(float("nan"))
        self.import_rows = Counter(
            "gateway_import_rows_total", "Rows of imports", ["outcome"], registry=self.registry
        )
        self.not_local = Counter(
            "gateway_not_local_total",
            "Calls of operations that local mode does not answer",
            ["route"],
            registry=self.registry,
        )
        self.unknown_routes = Counter(
            "gateway_unknown_routes_total",
            "Calls passed on although the gateway does not know their operation",
            ["channel", "method"],
            registry=self.registry,
        )
        self.grants = Counter(
            "gateway_grants_total", "Achievements decided", ["outcome"], registry=self.registry
        )
        self.deliveries = Gauge(
            "gateway_deliveries", "Open deliveries", ["target", "state"], registry=self.registry
        )
        self.oldest_delivery = Gauge(
            "gateway_delivery_oldest_seconds",
            "Age of the oldest open delivery",
            ["target", "state"],
            registry=self.registry,
        )
        self.attempts = Counter(
            "gateway_delivery_attempts_total",
            "What became of each attempt to deliver",
            ["target", "outcome"],
            registry=self.registry,
        )
        self.breaker = Enum(
            "gateway_upstream_breaker",
            "Whether deliveries to the platform are tried: closed (yes), probing, open (not now), auth (keys refused)",
            states=["closed", "probing", "open", "auth"],
            registry=self.registry,
        )
        self.clock_ahead = Gauge(
            "gateway_clock_ahead_seconds",
            "How far the wall, database or machine clock is ahead of the time by which deadlines are judged",
            ["of"],
            registry=self.registry,
        )
        self.reload_taken = Gauge(
            "gateway_config_last_reload_successful",
            "0 when the settings were read again and refused, so that older ones are in use",
            registry=self.registry,
        )
        self.reload_taken_at = Gauge(
            "gateway_config_last_reload_success_timestamp_seconds",
            "When the settings in use were taken over",
            registry=self.registry,
        )
        self.audit_lag = Gauge(
            "gateway_lookup_backlog",
            "1 while the audit log's lookup tables are behind",
            registry=self.registry,
        )
        self.anchor_lag = Gauge(
            "gateway_anchor_lag_seconds",
            "Age of the oldest signature of the audit log that has not reached its anchor; 0 when there is none, or no anchor",
            registry=self.registry,
        )
        self.regrouping_left = Gauge(
            "gateway_regrouping_profiles_left",
            "Profiles that a rule change has still to look at",
            registry=self.registry,
        )
        self.regrouped = Counter(
            "gateway_regrouped_total", "What regrouping did to profiles", ["what"], registry=self.registry
        )

    def note_batch(self, size: int, seconds: float) -> None:
        """A batch of so many calls was decided and committed."""
        self.batch_size.observe(size)
        self.commit_seconds.observe(seconds)
