"""The reference: a bare aiohttp handler on uvloop, JSON in, a fixed 202 out. Run as `python -m gateway.bench.bare PORT`."""

import sys

import msgspec
import uvloop
from aiohttp import web

ANSWER = b'{"customerId":"c0000000","challengeId":1}'
HEADERS = {"Content-Type": "application/json; charset=utf-8"}


async def achieve(request: web.Request) -> web.Response:
    msgspec.json.decode(await request.read())
    return web.Response(status=202, body=ANSWER, headers=HEADERS)


async def healthz(_: web.Request) -> web.Response:
    return web.Response(text="ok")


def main(port: int) -> None:
    app = web.Application()
    app.router.add_post("/api/v4.1/integrations/customers/social-challenges", achieve)
    app.router.add_get("/healthz", healthz)
    web.run_app(app, host="127.0.0.1", port=port, access_log=None, print=None, loop=uvloop.new_event_loop())


if __name__ == "__main__":
    main(int(sys.argv[1]))
