"""The reference for forwarding: a simple aiohttp reverse proxy on uvloop. It reads the body, sends it with every header through
a ClientSession, reads the answer and returns it. Run as `python -m gateway.bench.bare_proxy PORT UPSTREAM_PORT`."""

import sys
from collections.abc import AsyncGenerator

import uvloop
from aiohttp import ClientSession, web

_FRAMING = ("Content-Length", "Transfer-Encoding", "Connection")


def build(upstream: str) -> web.Application:
    async def relay(request: web.Request) -> web.Response:
        headers = request.headers.copy()
        del headers["Host"]
        body = await request.read()
        async with request.app[session].request(
            request.method, upstream + request.path_qs, headers=headers, data=body
        ) as answer:
            kept = answer.headers.copy()
            for name in _FRAMING:
                kept.popall(name, None)
            return web.Response(status=answer.status, body=await answer.read(), headers=kept)

    async def connected(app: web.Application) -> AsyncGenerator[None]:
        async with ClientSession() as made:
            app[session] = made
            yield

    async def healthz(_: web.Request) -> web.Response:
        return web.Response(text="ok")

    session = web.AppKey("session", ClientSession)
    app = web.Application()
    app.cleanup_ctx.append(connected)
    app.router.add_get("/healthz", healthz)
    app.router.add_route("*", "/{path:.*}", relay)
    return app


def main(port: int, upstream_port: int) -> None:
    app = build(f"http://127.0.0.1:{upstream_port}")
    web.run_app(app, host="127.0.0.1", port=port, access_log=None, print=None, loop=uvloop.new_event_loop())


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
