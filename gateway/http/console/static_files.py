"""Style sheet, module and icon. Each name contains the hash of the content, so a browser keeps a file for good and asks again
only after an upgrade."""

import hashlib
from pathlib import Path

from aiohttp import web

_DIRECTORY = Path(__file__).parent / "static"
_TYPES = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
_FOR_GOOD = "public, max-age=31536000, immutable"
PLACE = "/console/static/"


def _read() -> dict[str, tuple[str, bytes]]:
    """By the name in a template: the name with its hash, and the content."""
    found: dict[str, tuple[str, bytes]] = {}
    for path in sorted(_DIRECTORY.iterdir()):
        content = path.read_bytes()
        digest = hashlib.sha256(content).hexdigest()[:12]
        found[path.name] = (f"{path.stem}.{digest}{path.suffix}", content)
    return found


_FILES = _read()
_BY_ADDRESS = dict(_FILES.values())


def address(name: str) -> str:
    return PLACE + _FILES[name][0]


async def show_file(request: web.Request) -> web.Response:
    """Needs no session: the log-in page uses these files, and they contain no data."""
    name = request.match_info["name"]
    content = _BY_ADDRESS.get(name)
    if content is None:
        raise web.HTTPNotFound
    kind = _TYPES[Path(name).suffix]
    return web.Response(
        body=content, content_type=kind, charset="utf-8", headers={"Cache-Control": _FOR_GOOD}
    )
