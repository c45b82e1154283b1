"""E-mail addresses to one spelling: NFC, unquoted where possible, the domain in lower-case ASCII (I22).

The domain is kept as punycode, so that `ann@münchen.de` and `ann@xn--mnchen-3ya.de` are one key whatever
the sender's software made of it. `email_validator` decides what an address is. Most are plain ASCII before
the @ and of a domain met before: those never reach it, and get the same answer. Accepted beyond the
library: `mailto:`, one pair of angle brackets, quoted local parts, outer space, invisible marks, and
full-width typing of an ASCII address.
"""

import re
import unicodedata
from functools import lru_cache
from typing import Literal, NamedTuple
from urllib.parse import unquote

from email_validator import validate_email

from rules.identifier import Normalized
from rules.normalize.lists import DISPOSABLE, ROLES
from rules.normalize.providers import PROVIDERS, Provider
from rules.normalize.written import ascii_if_meant, visible
from rules.ruleset import IdentifierRules

EmailReason = Literal[
    "empty",
    "too_long",
    "syntax",
    "domain",  # before the @ all may be well, the domain is not one that can receive mail
    "masked",  # blocked: `eri***@example.com` is legal and joins strangers
    "role",  # blocked: info@, sales@, noreply@ …
    "disposable",  # blocked, unless the rules allow it
    "blocked_value",
]

MAX_LENGTH = 320
_MAX_ADDRESS = 254
_ROUNDS = 3

_ATEXT = r"[a-zA-Z0-9_!$%&'+/=?^`{|}~-]"  # RFC 5322 without the characters that masks are made of
_is_plain = re.compile(rf"{_ATEXT}+(?:\.{_ATEXT}+)*").fullmatch
_is_masked = re.compile(r"[*•●▪■█·…\ufffd]|#{3}").search
_MAILTO = re.compile(r"mailto:", re.IGNORECASE)


class _Domain(NamedTuple):
    """`room`: how many bytes the local part may have, so that every form of the address keeps its limit."""

    name: str
    room: int
    provider: Provider | None
    disposable: bool


_NO_DOMAIN = _Domain("", 0, None, disposable=False)


def normalize_email(raw: str, rules: IdentifierRules) -> Normalized:
    """The value is `local@domain`; `canonical` is set if the provider is known, even where it equals the value."""
    if len(raw) > MAX_LENGTH:
        return _invalid("too_long")
    return _plain(raw, rules) or _read(_address(raw), rules)


def _plain(text: str, rules: IdentifierRules) -> Normalized | None:
    """The hot path: a plain local part and a known domain; None if the library has to say."""
    local, _, written = text.partition("@")
    if _is_plain(local) is None or len(local) > (domain := _domain(written)).room:
        return None
    if rules.casefold_local:
        return _judged(local.lower(), domain, rules)
    return _judged(local, domain, rules) if local.islower() else None


def _read(text: str, rules: IdentifierRules) -> Normalized:
    if not text:
        return _invalid("empty")
    if plain := _plain(text, rules):
        return plain
    for _ in range(_ROUNDS):
        try:
            checked = validate_email(text, allow_quoted_local=True, check_deliverability=False)
        except ValueError:  # the library's own errors, and those of the encodings below it
            return _invalid(_reason(text))
        local = _folded(checked.local_part) if rules.casefold_local else checked.local_part
        again = f"{local}@{checked.ascii_domain}"
        if again == text:
            if rules.reject_masked and _is_masked(local):
                return Normalized("blocked", text, "masked")
            return _judged(local, _domain(checked.ascii_domain), rules)
        text = again
    return _invalid("syntax")


def _address(raw: str) -> str:
    """The one address inside `<…>`, `mailto:…` and what copying left around it."""
    text = ascii_if_meant(visible(raw))
    if text[:1] == "<" and text[-1:] == ">":
        text = text[1:-1].strip()
    if _MAILTO.match(text):
        text = visible(unquote(text[7:].partition("?")[0]))
    return text


def _folded(local: str) -> str:
    """Lower case and not case folding: `straße` and `strasse` are two mailboxes."""
    return unicodedata.normalize("NFC", local.lower())


def _judged(local: str, domain: _Domain, rules: IdentifierRules) -> Normalized:
    name, _, provider, disposable = domain
    value = f"{local}@{name}"
    if disposable and rules.disposable != "allow":
        return Normalized("blocked", value, "disposable")
    if (local if "+" not in local else local.partition("+")[0]).lower() in ROLES and rules.reject_role:
        return Normalized("blocked", value, "role")
    canonical = provider.canonical(local, name) if provider and rules.provider_canonical != "off" else ""
    return tuple.__new__(Normalized, ("ok", value, "", canonical))  # half the constructor's time


@lru_cache(maxsize=8192)
def _domain(written: str) -> _Domain:
    """What the library makes of a domain; `room` is 0 if nothing. Callers bound the length of `written`."""
    try:
        checked = validate_email(f"a@{written}", check_deliverability=False)
    except ValueError:
        return _NO_DOMAIN
    name = checked.ascii_domain
    longest = max(len(form.encode()) for form in (written, checked.domain, name))
    labels = name.split(".")
    disposable = any(".".join(labels[start:]) in DISPOSABLE for start in range(len(labels)))
    return _Domain(name, _MAX_ADDRESS - 1 - longest, PROVIDERS.get(name), disposable)


def _reason(text: str) -> EmailReason:
    local, at, written = text.rpartition("@")
    if not (at and local) or "<" in local:
        return "syntax"
    if len(text) > _MAX_ADDRESS:
        return "too_long"
    return "syntax" if _domain(written).room else "domain"


def _invalid(reason: EmailReason) -> Normalized:
    return Normalized("invalid", "", reason)
