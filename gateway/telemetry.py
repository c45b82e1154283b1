"""What the gateway tells about itself while it runs: JSON log lines and Prometheus metrics, never with personal data.

Everything rare goes through structlog; the one line per request goes through a buffered writer of the same schema, which
costs a fraction and may lose the last 50 ms of lines in a crash (the audit log is in the database and loses nothing).
"""

import asyncio
import contextlib
import logging
import os
import sys
from bisect import bisect_left
from collections.abc import Iterator
from itertools import accumulate
from typing import Any

import msgspec
import structlog
from prometheus_client import CollectorRegistry, Counter, Enum, Gauge
from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily, Metric

from gateway.visible import visible_line

_encode = msgspec.json.Encoder().encode
_FLUSH_BYTES = 32 * 1024
_FLUSH_SECONDS = 0.05


class LogWriter:
    """Appends JSON lines to stdout or a file; `write` never blocks on anything but the file itself."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._fd = self._opened() if path else sys.stdout.fileno()
        self._lines: list[bytes] = []
        self._size = 0
        self._flush_planned = False

    def _opened(self) -> int:
        """A link is not followed, but for the system's own names of what is open: /dev/stdout is one."""
        no_link = 0 if self._path.startswith(("/dev/", "/proc/")) else os.O_NOFOLLOW
        return os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | no_link, 0o640)

    def reopen(self) -> None:
        """Go on in a new file of the same name, after the old one was moved away. Raises OSError, and
        then keeps the old one."""
        if not self._path or self._fd < 0:
            return
        self.flush()
        fresh = self._opened()
        os.close(self._fd)
        self._fd = fresh

    def write(self, line: bytes) -> None:
        line = visible_line(line)
        self._lines.append(line)
        self._size += len(line)
        if self._size >= _FLUSH_BYTES:
            self.flush()
        elif not self._flush_planned:
            self._flush_planned = True
            asyncio.get_running_loop().call_later(_FLUSH_SECONDS, self.flush)

    def flush(self) -> None:
        self._flush_planned = False
        if not self._lines:
            return
        data = b"\n".join(self._lines) + b"\n"
        self._lines.clear()
        self._size = 0
        with contextlib.suppress(OSError):  # a full disk costs log lines, never calls
            while data:
                data = data[os.write(self._fd, data) :]

    def write_now(self, line: bytes) -> None:
        """For lines outside the event loop's care: start, stop, errors."""
        self._lines.append(visible_line(line))
        self.flush()

    def close(self) -> None:
        """What is written later is dropped. May be called again."""
        self.flush()
        if self._path and self._fd >= 0:
            os.close(self._fd)
            self._fd = -1


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
            "Calls passed on though their operation is not known here",
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
            "What became of claimed deliveries",
            ["target", "outcome"],
            registry=self.registry,
        )
        self.breaker = Enum(
            "gateway_upstream_breaker",
            "Whether deliveries to the upstream are tried",
            states=["closed", "probing", "open", "auth"],
            registry=self.registry,
        )
        self.clock_ahead = Gauge(
            "gateway_clock_ahead_seconds",
            "How far this is ahead of the time that deadlines are judged by",
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
            "gateway_lookup_backlog", "1 while the lookup tables are behind", registry=self.registry
        )
        self.anchor_lag = Gauge(
            "gateway_anchor_lag_seconds",
            "Age of the oldest signature of the audit log that has not reached its anchor",
            registry=self.registry,
        )
        self.regrouping_left = Gauge(
            "gateway_regrouping_profiles_left",
            "Profiles that are still to be looked at under the newest rules",
            registry=self.registry,
        )
        self.regrouped = Counter(
            "gateway_regrouped_total", "What regrouping did to profiles", ["what"], registry=self.registry
        )


class Telemetry:
    """The process's log and metrics; `request` is the hot one."""

    def __init__(self, *, level: str, path: str, log_requests: bool) -> None:
        self.metrics = Metrics()
        self.writer = LogWriter(path)
        self.log_requests = log_requests
        _configure(self.writer, level)

    def use(self, *, level: str, log_requests: bool) -> None:
        """Write down more or less from here on."""
        self.log_requests = log_requests
        structlog.configure(wrapper_class=_from(level))

    def request(self, line: dict[str, Any]) -> None:
        if self.log_requests:
            self.writer.write(_encode(line))

    def close(self) -> None:
        self.writer.close()


def _configure(writer: LogWriter, level: str) -> None:
    class _Lines:
        def msg(self, message: bytes) -> None:
            writer.write_now(message)

        debug = info = warning = error = critical = exception = fatal = msg

    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True, key="ts"),
            structlog.processors.ExceptionRenderer(_exception_places),
            structlog.processors.JSONRenderer(serializer=_serialize),
        ],
        wrapper_class=_from(level),
        logger_factory=lambda *_: _Lines(),
        cache_logger_on_first_use=False,
    )
    logging.basicConfig(level=logging.WARNING, handlers=[_ToStructlog()], force=True)
    logging.getLogger("aiosqlite").setLevel(logging.WARNING)
    logging.getLogger("aiohttp").setLevel(logging.CRITICAL)


def _from(level: str) -> type[structlog.typing.FilteringBoundLogger]:
    return structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level.upper()])


def _serialize(event: Any, **_: Any) -> bytes:
    return _encode(event)


def _exception_places(exc_info: Any) -> str:
    """Type and places of an exception without its message, which may quote a caller's data."""
    kind, _, trace = exc_info
    places: list[str] = []
    while trace is not None:
        code = trace.tb_frame.f_code
        places.append(f"{os.path.basename(code.co_filename)}:{trace.tb_lineno} {code.co_name}")
        trace = trace.tb_next
    return f"{kind.__name__} at " + " < ".join(reversed(places))


class _ToStructlog(logging.Handler):
    """Other libraries' warnings, by logger and place only: their texts may hold data that is not ours to log."""

    def emit(self, record: logging.LogRecord) -> None:
        structlog.get_logger(record.name).warning(
            "library_warning", place=f"{record.module}:{record.lineno}", logged_level=record.levelname
        )
