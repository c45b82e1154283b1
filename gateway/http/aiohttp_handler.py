"""What aiohttp's request handler knows but has no public name for. Its own attributes are used here only; a test checks this module
against the versions of aiohttp that pyproject.toml allows."""

# pyright: reportPrivateUsage=false

from aiohttp import web
from aiohttp.http import RawRequestMessage


def heads_read(handler: web.RequestHandler) -> int:
    """How many complete request heads came in."""
    return handler._request_count


def is_busy(handler: web.RequestHandler) -> bool:
    """A request is being answered, or one waits for it."""
    return handler._current_request is not None or bool(handler._messages)


def is_full(handler: web.RequestHandler) -> bool:
    """It takes no more bytes for now."""
    return handler._reading_paused or len(handler._messages) >= handler._max_msg_queue_size


def is_paused(handler: web.RequestHandler) -> bool:
    """Reading waits, or some of what was read."""
    return handler._reading_paused or handler._buffer_paused


def newest_head(handler: web.RequestHandler) -> RawRequestMessage | None:
    """The last request, if it still waits; None for one that could not be read."""
    message = handler._messages[-1][0]
    return message if isinstance(message, RawRequestMessage) else None


def stay_with_http(handler: web.RequestHandler) -> None:
    """Read on as if the last request had not asked for another protocol."""
    if handler._upgraded and handler._parser is not None:
        handler._parser.set_upgraded(False)
        handler._upgraded = False
