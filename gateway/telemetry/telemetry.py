"""The process's log, metrics and spans. Rare events go through structlog; the one line per request goes through the buffered
writer, in the same schema."""

import logging
import os
from typing import Any

import msgspec
import structlog

from gateway.telemetry.log import LogWriter
from gateway.telemetry.metrics import Metrics
from gateway.telemetry.tracing import Tracing

_log = structlog.get_logger("app")
_encode = msgspec.json.Encoder().encode


class Telemetry:
    """The process's log and metrics; `request` is the hot one. `longest` is the most seconds that an answer may take. `tracing`
    exists only while spans are exported."""

    def __init__(self, *, level: str, path: str, log_requests: bool, longest: float = 30.0) -> None:
        self.metrics = Metrics(longest)
        self.writer = LogWriter(path)
        self.log_requests = log_requests
        self.tracing: Tracing | None = None
        _configure(self.writer, level)

    def use(self, *, level: str, log_requests: bool) -> None:
        """Change the log level from now on."""
        self.log_requests = log_requests
        structlog.configure(wrapper_class=_from(level))

    def request(self, line: dict[str, Any]) -> None:
        if self.log_requests:
            self.writer.write(_encode(line))

    def reopen_log(self) -> None:
        """Go on in a new file, if another program has moved the old one away."""
        try:
            self.writer.reopen()
        except OSError as error:
            _log.error("log_not_reopened", error=error.strerror)
        else:
            _log.info("log_reopened")

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
    """Warnings of other libraries, by logger and place only: their texts may hold data that must not be logged."""

    def emit(self, record: logging.LogRecord) -> None:
        structlog.get_logger(record.name).warning(
            "library_warning", place=f"{record.module}:{record.lineno}", logged_level=record.levelname
        )
