"""URLs in the settings (database, platform, webhook): how each is checked and how it is shown."""

import re
from urllib.parse import urlsplit

_DATABASE_HOST = re.compile(r"(\[[0-9A-Fa-f:.]+(%[^\]]*)?\]|[^\[\]:]*)(:\d{1,5})?", re.ASCII)


def _is_server(url: str) -> bool:
    """Whether a PostgreSQL URL can be parsed; it may name several hosts."""
    try:
        hosts = urlsplit(url).netloc.rpartition("@")[2].split(",")
    except ValueError:
        return False
    return all(
        (found := _DATABASE_HOST.fullmatch(host)) and int((found[3] or ":1")[1:]) < 65_536 for host in hosts
    )


def store_url(value: object) -> str:
    if isinstance(value, str) and value.isprintable():
        if re.match(r"sqlite:///.", value):
            return value
        if re.match(r"postgres(ql)?://.", value) and _is_server(value):
            return value
    raise ValueError(
        'is not a database; write "sqlite:///gateway.db" or "postgresql://user@host/db"'
    )  # the value itself may hold a password


def store_url_text(url: str) -> str:
    """The URL with its password masked, wherever it appears."""
    masked = re.sub(r"(://[^:@/]*):[^?]*@", r"\1:******@", url)
    return re.sub(r"([?&]password=)[^&]*", r"\1******", masked)


def _has_host(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return url.isprintable() and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


def http_url(value: object) -> str:
    shape = r"https?://[^\s/?#@]+(/[^\s?#]*)?"
    if isinstance(value, str) and re.fullmatch(shape, value) and _has_host(value):
        return value.rstrip("/")
    raise ValueError('is not a web address; write scheme and host, for example "https://api.gameball.co"')


def collector_url(value: object) -> str:
    """The start of a collector's addresses; "" for none."""
    if value == "":
        return ""
    url = http_url(value)
    if url.endswith("/v1/traces"):
        raise ValueError("is the address of traces; leave out /v1/traces, which the gateway adds")
    return url


def webhook_url(value: object) -> str:
    shape = r"https?://[^\s/?#@]+(/[^\s?#]*)?(\?[^\s#]*)?"
    if isinstance(value, str) and re.fullmatch(shape, value) and _has_host(value):
        return value
    raise ValueError(
        'is not a web address; write the full address, for example "https://crm.example.com/hooks/loyalty"'
    )


def webhook_url_text(url: str) -> str:
    """The URL without its query, which may hold a token."""
    address, mark, _ = url.partition("?")
    return f"{address}?******" if mark else address
