"""Liveness, readiness and metrics, for monitoring systems. They need no token."""

import asyncio
import re

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from gateway.config.master_secret import proof, proving_key
from gateway.http.services import SERVICES, Services

_TOKEN_ID = re.compile(r"[0-9a-f]{16}", re.ASCII)
_CHALLENGE = re.compile(r"[0-9a-f]{64}", re.ASCII)


async def healthz(request: web.Request) -> web.Response:
    """The process runs and its event loop responds. For a `challenge` of 64 hexadecimal digits, it also proves that it knows
    the admin token, or with the id of an operator's `token` that it knows that one."""
    challenge = request.query.get("challenge", "")
    if not _CHALLENGE.fullmatch(challenge):
        return web.json_response({"status": "ok"})
    services = request.app[SERVICES]
    token_id = request.query.get("token", "")
    if _TOKEN_ID.fullmatch(token_id):
        key = services.operators.proving_key(token_id)
    else:
        key = await asyncio.to_thread(proving_key, services.admin_token)
    here = request.transport.get_extra_info("sockname") if request.transport is not None else None
    host, port = here[:2] if isinstance(here, tuple) else ("", 0)
    return web.json_response({"status": "ok", "proof": proof(key, challenge, host, port)})


async def readyz(request: web.Request) -> web.Response:
    """The gateway can accept calls now: the store takes writes. StoreUnavailable becomes 503 with Retry-After. A doubtful clock
    and signatures without an anchor are only reported, with status 200, because calls are still served."""
    services = request.app[SERVICES]
    await services.store.probe()
    warnings = warnings_of(services)
    return web.json_response(
        {"status": "degraded", "warnings": warnings} if warnings else {"status": "ready"}
    )


def warnings_of(services: Services) -> tuple[str, ...]:
    """What is wrong while calls are served, with the remedies."""
    warnings = services.timekeeper.state.warnings + _two_of_one_name(services)
    return warnings if services.anchor is None else warnings + services.anchor.warnings


def _two_of_one_name(services: Services) -> tuple[str, ...]:
    both = services.operators.names & {known.name for known in services.config.operators}
    return tuple(
        f"operator {name}: one has a token, and the settings have another for whom the proxy vouches; the audit log does not"
        " tell the two apart, so rename one of them"
        for name in sorted(both)
    )


async def metrics(request: web.Request) -> web.Response:
    registry = request.app[SERVICES].telemetry.metrics.registry
    return web.Response(body=generate_latest(registry), headers={"Content-Type": CONTENT_TYPE_LATEST})
