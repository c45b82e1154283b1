"""Runs a whole function on the thread of an aiosqlite connection. aiosqlite offers its statements one by one; its method that runs
a function has no public name, and is used here only. A test checks this module against the versions that pyproject.toml allows."""

import asyncio
from collections.abc import Callable
from typing import Any, TypeVar

import aiosqlite

T = TypeVar("T")


async def run_on_thread(connection: aiosqlite.Connection, function: Callable[..., T], *arguments: Any) -> T:
    """Run `function(connection, …)` in ONE hop on the connection's thread; cancelling the caller does not stop it."""
    hop = connection._execute(function, connection._conn, *arguments)  # pyright: ignore[reportPrivateUsage]
    return await asyncio.shield(asyncio.ensure_future(hop))
