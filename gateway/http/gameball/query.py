"""Query parameters: each is read by its name, in any case; the first value counts, and an empty one is absent."""

from collections.abc import Collection

from aiohttp import web

from gateway.http.gameball.envelope import INVALID_PAYLOAD, Fault, invalid_value

_LONGEST_NUMBER = 19


def text(request: web.BaseRequest, name: str) -> str | None:
    query = request.query
    if name in query:
        return query[name] or None
    wanted = name.lower()
    return next((value for written, value in query.items() if written.lower() == wanted), None) or None


def number(
    request: web.BaseRequest, name: str, *, default: int, least: int, most: int, wrong: Fault | None = None
) -> int | Fault:
    """Not a whole number: 400. Out of range: 422, or `wrong`."""
    given = text(request, name)
    if given is None:
        return default
    digits = given.removeprefix("-")
    if not (digits.isascii() and digits.isdigit()):
        return INVALID_PAYLOAD
    if len(digits) > _LONGEST_NUMBER or not least <= int(given) <= most:
        return wrong or invalid_value(name.lower())
    return int(given)


def word(request: web.BaseRequest, name: str, known: Collection[str]) -> str | Fault | None:
    given = text(request, name)
    return given if given is None or given in known else invalid_value(name.lower())
