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
        """`operations` is their rate class; `outcome` is a class of statuses, 429, or why there was no answer."""
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


class BatchMetrics:
    """The batches of the pipeline."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.waiting = Gauge(
            "gateway_pipeline_waiting", "Calls that wait for the next commit", registry=registry
        )
        self._size = Histogram(
            "gateway_pipeline_batch_size",
            "Calls in one transaction",
            buckets=_BATCH_SIZES,
            registry=registry,
        )
        self._seconds = Histogram(
            "gateway_pipeline_commit_seconds",
            "Time to decide and commit a batch of calls",
            buckets=bounds_up_to(_LONGEST_COMMIT),
            registry=registry,
        )

    def note(self, size: int, seconds: float) -> None:
        """A batch of so many calls was decided and committed."""
        self._size.observe(size)
        self._seconds.observe(seconds)


class AuditMetrics:
    """The audit log."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.checkpoint_age = Gauge(
            "gateway_audit_checkpoint_age_seconds",
            "How long ago the audit log was signed last, while it has newer events; 0 otherwise",
            registry=registry,
        )
        self.verified_at = Gauge(
            "gateway_audit_verified_timestamp_seconds",
            "When the audit log was verified last, by whichever process and whatever was found; 0 for never",
            registry=registry,
        )
        self.breaches = Gauge(
            "gateway_audit_breaches",
            "What the last verification of the audit log found",
            registry=registry,
        )
        self.lookup_backlog = Gauge(
            "gateway_lookup_backlog",
            "1 while the audit log's lookup tables are behind",
            registry=registry,
        )
        self.anchor_lag = Gauge(
            "gateway_anchor_lag_seconds",
            "Age of the oldest signature of the audit log that has not reached its anchor; 0 when there is none, or no anchor",
            registry=registry,
        )
        self.archive_refused = Gauge(
            "gateway_audit_archive_refused",
            "1 while what [retention] audit would archive is refused or not signed, until it is archived; 0 otherwise",
            registry=registry,
        )


class DatabaseMetrics:
    """Sizes of the database's files."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.bytes = Gauge("gateway_database_bytes", "Size of the database", registry=registry)
        self.rows = Gauge(
            "gateway_table_rows",
            "Rows of each table: counted on SQLite, one table every few seconds or rarer; estimated by PostgreSQL",
            ["table"],
            registry=registry,
        )
        self.table_bytes = Gauge(
            "gateway_table_bytes",
            "Size of each table with its indexes, on PostgreSQL; SQLite cannot tell",
            ["table"],
            registry=registry,
        )
        self.wal_bytes = Gauge(
            "gateway_wal_bytes", "Size of SQLite's write-ahead log; 0 on PostgreSQL", registry=registry
        )
        self.disk_free_bytes = Gauge(
            "gateway_disk_free_bytes",
            "Free space beside the SQLite database; NaN on PostgreSQL, where the disk is another machine's",
            registry=registry,
        )
        self.disk_free_bytes.set(float("nan"))


class DeliveryMetrics:
    """Deliveries to the platform and to webhooks."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.open = Gauge("gateway_deliveries", "Open deliveries", ["target", "state"], registry=registry)
        self.oldest = Gauge(
            "gateway_delivery_oldest_seconds",
            "Age of the oldest open delivery",
            ["target", "state"],
            registry=registry,
        )
        self.attempts = Counter(
            "gateway_delivery_attempts_total",
            "What became of each attempt to deliver",
            ["target", "outcome"],
            registry=registry,
        )
        self.certificate_ends = Gauge(
            "gateway_certificate_expiry_timestamp_seconds",
            "When the certificate ends that a target showed with the newest connection",
            ["target"],
            registry=registry,
        )
        self.breaker = Enum(
            "gateway_upstream_breaker",
            "Whether deliveries to the platform are tried: closed (yes), probing, open (not now), auth (keys refused)",
            states=["closed", "probing", "open", "auth"],
            registry=registry,
        )


class RegroupingMetrics:
    """What a rule change does to profiles."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.profiles_left = Gauge(
            "gateway_regrouping_profiles_left",
            "Profiles that a rule change has still to look at",
            registry=registry,
        )
        self.failed = Gauge(
            "gateway_regroupings_failed",
            "Regroupings that were given up and wait for an operator",
            registry=registry,
        )
        self.done = Counter(
            "gateway_regrouped_total", "What regrouping did to profiles", ["what"], registry=registry
        )


class StoppedMetrics:
    """What stopped before its end and waits for an operator."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.grants = Gauge(
            "gateway_grants_failed",
            "Achievements whose decision failed and that wait for an operator",
            registry=registry,
        )
        self.jobs = Gauge(
            "gateway_jobs_stopped",
            "Jobs that wait for an operator: failed, or distrusted because the audit log does not vouch for them",
            ["state"],
            registry=registry,
        )


class ReloadMetrics:
    """Settings that were read again while the gateway runs."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.successful = Gauge(
            "gateway_config_last_reload_successful",
            "0 when the settings were read again and refused, so that older ones are in use",
            registry=registry,
        )
        self.taken_at = Gauge(
            "gateway_config_last_reload_success_timestamp_seconds",
            "When the settings in use were taken over",
            registry=registry,
        )


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
        self.batches = BatchMetrics(self.registry)
        self.audit = AuditMetrics(self.registry)
        self.database = DatabaseMetrics(self.registry)
        self.deliveries = DeliveryMetrics(self.registry)
        self.regrouping = RegroupingMetrics(self.registry)
        self.reload = ReloadMetrics(self.registry)
        self.reviews = Gauge(
            "gateway_reviews_open", "Questions that wait for an operator", ["reason"], registry=self.registry
        )
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
        self.stopped = StoppedMetrics(self.registry)
        self.spans = Counter(
            "gateway_spans_total",
            "Spans of followed calls, by what became of them: sent, refused by the collector, or dropped, because the queue had"
            " no_room or because they were not_sent when the gateway stopped",
            ["outcome"],
            registry=self.registry,
        )
        self.clock_ahead = Gauge(
            "gateway_clock_ahead_seconds",
            "How far the wall, database or machine clock is ahead of the time that decides deadlines",
            ["of"],
            registry=self.registry,
        )
