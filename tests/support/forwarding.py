"""A gateway in forward mode in front of the platform, and how its tests ask."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager
from typing import TYPE_CHECKING

from tests.support.loyalty_platform import API_KEY, SECRET_KEY, Platform

if TYPE_CHECKING:
    from tests.support.running_gateway import RunningGateway, Start

Forwarding = Callable[..., AbstractAsyncContextManager["RunningGateway"]]
CALL_CENTER = """
[[channel]]
name = "callcenter"
id_space = "web"
default_region = "EG"
trusted = false
api_key = "callcenter-api-key-0123456789"
secret_key = "callcenter-secret-key-0123456789"
"""


def forward_settings(url: str, upstream: str = "", more: str = "") -> str:
    return (
        f'[gateway]\nmode = "forward"\n[upstream]\nbase_url = "{url}"\napi_key = "{API_KEY}"\n'
        f'secret_key = "{SECRET_KEY}"\n{upstream}\n{more}\n'
    )


@contextlib.asynccontextmanager
async def forwarding(
    start: Start, platform: Platform, upstream: str = "", more: str = ""
) -> AsyncGenerator[RunningGateway]:
    """`upstream` are lines of its table, `more` is any other text of the configuration."""
    async with start(forward_settings(platform.url, upstream, more + CALL_CENTER)) as gateway:
        yield gateway
