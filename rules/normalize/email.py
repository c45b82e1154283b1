"""E-mail addresses to one spelling: NFC, unquoted where possible, the domain in lower-case ASCII (I22).

The domain is kept as punycode, so that `ann@münchen.de` and `ann@xn--mnchen-3ya.de` are one key whatever
the sender's software made of it. `email_validator` decides what an address is. Most are plain ASCII before
the @ and of a domain met before: those never reach it, and get the same answer. Accepted beyond the
library: `mailto:`, one pair of angle brackets with or without a name before it, quoted local parts, outer
space, invisible marks, the separator of a list that has one address, the dot that ends a sentence or a
full domain name, what a spreadsheet puts around a cell, and full-width typing of an ASCII address.

Turkish keyboards write `GMAİL.COM`, and Turkish software makes `gmaıl.com` of `GMAIL.COM`. Neither is the
international domain that it looks like: the dotted capital is an i wherever it stands, and the dotless i
where that gives a known mail domain. In any other domain it may be meant or not, so the address is refused
unless the domain is in its `xn--` form.
"""

import re
import unicodedata
from functools import lru_cache
from typing import Literal, NamedTuple
from urllib.parse import unquote

from email_validator import validate_email

from rules.identifier import Normalized
from rules.normalize.lists import DISPOSABLE, ROLES
from rules.normalize.providers import PROVIDERS, Provider, provider_of
from rules.normalize.spreadsheet import APOSTROPHES, unquoted
from rules.normalize.written import ascii_if_meant, visible
from rules.ruleset import IdentifierRules

EmailReason = Literal[
    "empty",
    "too_long",
    "syntax",
    "domain",  # before the @ the address may be valid, but the domain cannot receive mail
    "masked",  # blocked: `eri***@example.com` is legal and joins strangers
    "role",  # blocked: info@, sales@, noreply@ …
    "disposable",  # blocked, unless the rules allow it
    "blocked_value",
]

MAX_LENGTH = 320
_MAX_ADDRESS = 254
_ROUNDS = 3

_ATEXT = r"[a-zA-Z0-9_!$%&'+/=?^`{|}~-]"  # RFC 5322 without the characters that masks use
_is_plain = re.compile(rf"(?!['`]){_ATEXT}+(?:\.{_ATEXT}+)*").fullmatch
_is_masked = re.compile(r"[*•●▪■█·…\ufffd]|#{3}").search
_DOTTED, _DOTLESS = "i\u0307", "\u0131"
_MAILTO = re.compile(r"mailto:", re.IGNORECASE)
_in_brackets = re.compile(r"[^<>@]*<([^<>]*)>", re.DOTALL).fullmatch
_AROUND = " \t\r\n;,"
"""Blanks and the separators of lists."""


class _Domain(NamedTuple):
    """`room`: how many bytes the local part may have, so that every form of the address stays within its limit."""

    name: str
    room: int
    provider: Provider | None
    disposable: bool


_NO_DOMAIN = _Domain("", 0, None, disposable=False)


def normalize_email(raw: str, rules: IdentifierRules) -> Normalized:
    """The value is `local@domain`. `canonical` is set if the provider is known, even if it equals the value."""
    if len(raw) > MAX_LENGTH:
        return _invalid("too_long")
    return _plain(raw, rules) or _read(_address(raw), rules)


def _plain(text: str, rules: IdentifierRules) -> Normalized | None:
    """The hot path: a plain local part and a known domain; None if the library has to decide."""
    local, _, written = text.partition("@")
    if _is_plain(local) is None or len(local) > (domain := _domain(written)).room:
        return None
    if rules.casefold_local:
        return _normalized(local.lower(), domain, rules)
    return _normalized(local, domain, rules) if local.islower() else None


def _read(text: str, rules: IdentifierRules) -> Normalized:
    if not text:
        return _invalid("empty")
    if plain := _plain(text, rules):
        return plain
    text = _with_known_domain(text)
    for _ in range(_ROUNDS):
        try:
            checked = validate_email(text, allow_quoted_local=True, check_deliverability=False)
        except ValueError:  # the library's own errors, and those of the encodings below it
            return _invalid(_reason(text))
        domain = _domain(checked.ascii_domain)
        again = f"{_local(checked.local_part, domain, rules)}@{domain.name}"
        if again == text:
            local = again.rpartition("@")[0]
            if rules.reject_masked and _is_masked(local):
                return Normalized("blocked", text, "masked")
            return _normalized(local, domain, rules)
        text = ascii_if_meant(again)
    return _invalid("syntax")


def _address(raw: str) -> str:
    """The one address inside `<…>`, `mailto:…` and what copying and spreadsheets leave around it."""
    text = unquoted(ascii_if_meant(visible(raw)).strip(_AROUND))
    if found := _in_brackets(text):
        text = found[1].strip()
    if _MAILTO.match(text):
        text = visible(unquote(text[7:].partition("?")[0]))
    return unquoted(text).strip(_AROUND).removesuffix(".")


def _with_known_domain(text: str) -> str:
    """Reads the local part as it would be read beside the domain's ASCII form, which is how the value comes back. An address
    that is too long in the form it was written in stays so."""
    local, at, written = (text if "@" in text else text.replace("＠", "@")).rpartition("@")
    if written.isascii() or not at:
        return text
    local, domain = ascii_if_meant(local), _domain(written)
    is_too_long = len(local.encode(errors="replace")) > domain.room > 0
    return text if is_too_long else f"{local}@{domain.name}"


def _local(local: str, domain: _Domain, rules: IdentifierRules) -> str:
    """The local part as it is stored. If it begins with an apostrophe, it keeps its quotes, because a bare apostrophe would be
    taken for a spreadsheet's mark."""
    if rules.casefold_local:
        local = _folded(local)
        plain = local.replace(_DOTLESS, "i")
        local = plain if domain.provider and plain.isascii() else local
    return f'"{local}"' if local[0] in APOSTROPHES else local


def _folded(local: str) -> str:
    """Uses lower case, not case folding: `straße` and `strasse` are two mailboxes."""
    return unicodedata.normalize("NFC", local.lower()).replace(_DOTTED, "i")


def _normalized(local: str, domain: _Domain, rules: IdentifierRules) -> Normalized:
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
    """What the library makes of a domain; `room` is 0 if it is invalid. Callers limit the length of `written`."""
    try:
        checked = validate_email(f"a@{written}", check_deliverability=False)
    except ValueError:
        return _NO_DOMAIN
    if (meant := _meant(checked.domain, written)) is not None:
        return _domain(meant) if meant else _NO_DOMAIN
    name = checked.ascii_domain
    longest = max(len(form.encode()) for form in (written, checked.domain, name))
    labels = name.split(".")
    disposable = any(".".join(labels[start:]) in DISPOSABLE for start in range(len(labels)))
    return _Domain(name, _MAX_ADDRESS - 1 - longest, provider_of(name), disposable)


def _meant(domain: str, written: str) -> str | None:
    """The domain with i for letters that are an i in another case. None if there are none, or if the domain is known to need
    them."""
    if _DOTTED in domain:
        return domain.replace(_DOTTED, "i")
    names, _, top = domain.rpartition(".")
    if _DOTLESS in top:  # no top-level domain has one
        return f"{names}.{top.replace(_DOTLESS, 'i')}"
    plain = domain.replace(_DOTLESS, "i")
    if plain == domain or written.isascii() or not plain.isascii():
        return None
    return plain if plain in PROVIDERS else ""


def _reason(text: str) -> EmailReason:
    local, at, written = text.rpartition("@")
    if not (at and local) or "<" in local:
        return "syntax"
    if len(text) > _MAX_ADDRESS:
        return "too_long"
    return "syntax" if _domain(written).room else "domain"


def _invalid(reason: EmailReason) -> Normalized:
    return Normalized("invalid", "", reason)
