"""The tokens of operators: `gw_operator_NAME_ID_SECRET_PROOF`. A client sends the ID first, which is not secret. The gateway
derives PROOF from it, and so proves who it is before the client sends the token. It stores only a digest of the token."""

import hashlib
import hmac
import re
import secrets
from typing import NamedTuple

NAME = "[a-z0-9][a-z0-9.-]{0,39}"
WHOLE_NAME = rf"^{NAME}$(?!\n)"
"""For a search: `$` also matches before a line end."""
_TOKEN = re.compile(
    rf"gw_operator_(?P<name>{NAME})_(?P<id>[0-9a-f]{{16}})_(?P<secret>[0-9a-f]{{64}})_(?P<proof>[0-9a-f]{{64}})",
    re.ASCII,
)


class OperatorToken(NamedTuple):
    name: str
    token_id: str
    proving_key: bytes


def issue(name: str, key: bytes) -> str:
    """A new token. Its last part is derived from `key`, so it is proof to the holder that the gateway has the key."""
    token_id = secrets.token_hex(8)
    proof = proving_key_of(token_id, key).hex()
    return f"gw_operator_{name}_{token_id}_{secrets.token_hex(32)}_{proof}"


def parsed(text: str) -> OperatorToken | None:
    found = _TOKEN.fullmatch(text)
    return found and OperatorToken(found["name"], found["id"], bytes.fromhex(found["proof"]))


def proving_key_of(token_id: str, key: bytes) -> bytes:
    return hmac.digest(key, f"proof {token_id}".encode(), hashlib.sha256)
