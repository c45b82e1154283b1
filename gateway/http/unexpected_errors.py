"""The outermost handler of both listeners: an unexpected error becomes an answer, never a traceback."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

T = TypeVar("T")


async def catch_unexpected(answering: Awaitable[T], otherwise: Callable[[Exception], Awaitable[T]]) -> T:
    """The answer, or what `otherwise` makes of the error. It may ask for the exception that is being handled."""
    try:
        return await answering
    except Exception as error:  # noqa: BLE001 - whatever it is, the caller gets an answer and the log a line
        return await otherwise(error)
