"""Versions 1 to 3 of the platform's API, as far as its server libraries use them: customers by `playerUniqueId`, found in the path
also by e-mail or mobile; the secret key shown as it is or by a hash."""

from __future__ import annotations

import hashlib
import json
import re
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import parse_qs, unquote

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.loyalty_platform import Platform, Seen

_PATH = re.compile(r"(?:/api)?/v[123](?:\.0)?/integrations/(.+)", re.IGNORECASE)
_SECRET = re.compile(r"transaction/.*|batch.*|coupon.*|player/info|player/[^/]+/(balance|progress)")
_CREATING = {"player", "event", "order", "action", "referral", "transaction/reward"}
_ANONYMOUS = re.compile(
    r"config|batch/.*|transaction/list|leaderboard|notifications|discountcode|transaction/hold/.*"
)


class Answer(NamedTuple):
    status: int
    body: Any


def answer(platform: Platform, seen: Seen, api_key: str, secret_key: str) -> Answer | None:
    """None where it is no path of these versions."""
    path, _, query = seen.raw_path.partition("?")
    found = _PATH.fullmatch(path)
    if found is None:
        return None
    words = found[1].lower()
    try:
        body = json.loads(seen.body) if seen.body else {}
    except ValueError:
        return _refused(400, 3016, "invalid payload")
    if seen.headers.get("apikey") != api_key:
        return _refused(401, 1000, "Unauthorized access. Please authenticate to proceed.")
    if _SECRET.fullmatch(words) and not _is_secret(seen, body, secret_key):
        return _refused(401, 1001, "your request is missing the secret key.")
    return _carried_out(platform, seen.method, found[1], body, parse_qs(query))


def _is_secret(seen: Seen, body: Any, secret_key: str) -> bool:
    return seen.headers.get("secretkey") == secret_key or (
        isinstance(body, dict)
        and body.get("hash") in set(_hashes(body.get("playerUniqueId"), body, secret_key))
    )


def _hashes(customer_id: object, members: dict[str, Any], secret_key: str) -> Iterator[str]:
    time = "".join(re.findall(r"\d\d", members.get("transactionTime") or "")[1:7])
    amount = members.get("amount")
    forms = (":", f"{time}:", f"{time}:{amount}", f"{time}:{amount}".removesuffix(".0"))
    for form in (f"{customer_id}:{form}:" for form in forms):
        yield hashlib.sha1(f"{form}{secret_key}".encode(), usedforsecurity=False).hexdigest()


def _carried_out(
    platform: Platform, method: str, path: str, body: Any, query: dict[str, list[str]]
) -> Answer:
    words = path.split("/")
    first = words[0].lower()
    named = body.get("playerUniqueId") if isinstance(body, dict) else None
    if first in {"player", "notifications"} and len(words) > 1 and words[1].lower() != "info":
        named = _by_address(platform, unquote(words[1]))
    if path.lower() in _CREATING:
        customer = platform.ensure(str(named))
        customer.attributes.update({name: body[name] for name in ("email", "mobile") if body.get(name)})
    elif _ANONYMOUS.fullmatch(path.lower()):
        named = named or next(iter(query.get("playerUniqueId", [])), None)
    elif path.lower() == "batch":
        return Answer(200, "batch-1")
    if named is not None and str(named) not in platform.customers:
        return _refused(404, 4004, "customer does not exist")
    everybody = [{"playerUniqueId": one, "points": 0} for one in platform.customers]
    return Answer(
        200,
        {
            "playerUniqueId": named,
            "operation": f"{method} {words[-1].lower() if len(words) == 1 else first}",
            "hash": body.get("hash") if isinstance(body, dict) else None,
            "rows": everybody,
        },
    )


def _by_address(platform: Platform, text: str) -> str:
    found = (
        customer_id
        for customer_id, customer in platform.customers.items()
        if text in (customer.attributes.get("email"), customer.attributes.get("mobile"))
    )
    return next(found, text)


def _refused(status: int, code: int, message: str) -> Answer:
    return Answer(status, {"code": code, "message": message})
