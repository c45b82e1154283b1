"""Counters and gauges for Prometheus; labels are routes, codes and outcomes, never ids."""

from bisect import bisect_left
from collections.abc import Iterator
from itertools import accumulate

from prometheus_client import CollectorRegistry, Counter, Enum, Gauge
from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily, Metric

_BOUNDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)


class Calls:
    """Counts and latencies of public calls as plain integers, made into metrics only when they are asked for: a tenth of
    what a metric object costs for each call, and every call pays it."""

    def __init__(self) -> None:
        self._counts: dict[tuple[str, int, str], int] = {}
        self._buckets: dict[str, list[int]] = {}
        self._seconds: dict[str, float] = {}

    def note(self, route: str, status: int, decision: str, seconds: float) -> None:
        key = (route, status, decision)
        self._counts[key] = self._counts.get(key, 0) + 1
        buckets = self._buckets.get(route)
        if buckets is None:
            buckets = self._buckets[route] = [0] * (len(_BOUNDS) + 1)
        buckets[bisect_left(_BOUNDS, seconds)] += 1
        self._seconds[route] = self._seconds.get(route, 0.0) + seconds

    def collect(self) -> Iterator[Metric]:
        requests = CounterMetricFamily(
            "gateway_requests", "Public calls answered", labels=["route", "status", "decision"]
        )
        for (route, status, decision), count in list(self._counts.items()):
            requests.add_metric([route, str(status), decision], count)
        yield requests
        latency = HistogramMetricFamily(
            "gateway_request_seconds", "Time to answer a public call", labels=["route"]
        )
        for route, buckets in list(self._buckets.items()):
            sums = accumulate(buckets)
            named = zip((*map(str, _BOUNDS), "+Inf"), sums, strict=True)
            latency.add_metric(
                [route], [(bound, float(total)) for bound, total in named], self._seconds[route]
            )
        yield latency


class Metrics:
    """The gateway's metrics; labels are routes, codes and outcomes, never ids."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.calls = Calls()
        self.registry.register(self.calls)
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
