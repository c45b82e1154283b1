"""The settings as a whole: one struct a table of the file, each default exactly what `config.example.toml`
shows. A value is checked where it is declared; what only two settings together can get wrong is in
`mistakes`."""

import re
from collections import Counter
from collections.abc import Hashable, Iterable, Iterator
from typing import Annotated, Literal
from urllib.parse import urlsplit

from msgspec import Meta, Struct, ValidationError, convert, field
from msgspec.structs import asdict, force_setattr

from gateway.clock import DAY, HOUR, MINUTE, SECOND
from gateway.config.notation import (
    Address,
    DelayRange,
    Duration,
    HostName,
    Listen,
    Network,
    Origin,
    Quota,
    Region,
    Size,
    TimeZone,
    duration_text,
    written,
)
from gateway.config.offer import Amount, Campaign, Count, Positive, Tier
from gateway.config.secret import Key, Secret
from gateway.config.section import Mistake, Section
from rules.source import Trust

SHORTEST_KEY = 16
"""Characters; what `gateway keys new` makes is far longer."""
TOKEN_KEY = 32
"""Characters of a session key: an AES-256 key as text."""

Name = Annotated[
    str,
    Meta(
        pattern="^[A-Za-z0-9][A-Za-z0-9_.-]{0,49}$",
        description='1 to 50 letters, digits and "_.-", a letter or digit first',
    ),
]


_LONGEST_WINDOW = 7 * DAY
_DATABASE_HOST = re.compile(r"(\[[0-9A-Fa-f:.]+(%[^\]]*)?\]|[^\[\]:]*)(:\d{1,5})?", re.ASCII)


def _is_server(url: str) -> bool:
    """Whether a PostgreSQL URL can be taken apart; it may name several hosts."""
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
    """The URL with its password masked, wherever the password stands."""
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


def webhook_url(value: object) -> str:
    shape = r"https?://[^\s/?#@]+(/[^\s?#]*)?(\?[^\s#]*)?"
    if isinstance(value, str) and re.fullmatch(shape, value) and _has_host(value):
        return value
    raise ValueError(
        'is not a web address; write it whole, for example "https://crm.example.com/hooks/loyalty"'
    )


def webhook_url_text(url: str) -> str:
    """The URL without its query, which may hold a token."""
    address, mark, _ = url.partition("?")
    return f"{address}?******" if mark else address


class Server(Section, frozen=True):
    """The two listeners, and the master secret from which the peppers of stored digests are derived. `secret`
    None: it is in `secret_file`, which the gateway creates (mode 0600) at its first start; "" is a file
    beside the database."""

    listen: Listen = Address("127.0.0.1", 8080)
    admin_listen: Listen = Address("127.0.0.1", 8081)
    admin_token: Annotated[Secret | None, Meta(extra={"env": "GATEWAY_ADMIN_TOKEN"})] = None
    secret: Annotated[Secret | None, Meta(extra={"env": "GATEWAY_SECRET", "file": "written"})] = None
    secret_file: str = ""
    max_body: Size = 64 << 10
    header_timeout: Duration = 15 * SECOND
    body_timeout: Duration = 30 * SECOND
    max_connections: Positive = 2_000
    max_connections_per_ip: Positive = 100
    shutdown_grace: Duration = 15 * SECOND
    trusted_proxies: tuple[Network, ...] = ()
    allowed_hosts: tuple[HostName, ...] = ()
    cors_origins: tuple[Origin, ...] = ()
    identity_headers: bool = True

    def mistakes(self) -> Iterator[Mistake]:
        if self.listen == self.admin_listen and self.listen.port:
            yield Mistake("admin_listen", "is the address of listen; give the admin listener its own port")
        if self.admin_token is None and not self.admin_listen.is_loopback:
            yield Mistake(
                "admin_token",
                "is missing though admin_listen is not loopback; set admin_token_env or admin_token_file",
            )
        yield from _short_keys(self, ("admin_token", "secret"), inline_too=True)


class Store(Section, frozen=True):
    """`queue_limit` counts waiting commands, `batch_limit` commands in one transaction."""

    url: Annotated[str, written(store_url, store_url_text)] = "sqlite:///gateway.db"
    queue_limit: Positive = 4_096
    batch_limit: Positive = 256
    min_free_disk: Size = 256 << 20

    @property
    def sqlite_path(self) -> str | None:
        """The database file; None when the store is PostgreSQL."""
        return self.url.removeprefix("sqlite:///") if self.url.startswith("sqlite:///") else None


class Gateway(Section, frozen=True):
    mode: Literal["local", "forward"] = "local"


class Rules(Section, frozen=True):
    seed: Annotated[str, Meta(min_length=1)] = "preset:email-or-mobile"


class Api(Section, frozen=True):
    high_security: bool = False
    minimum_version: Literal["v1.0", "v2.0", "v3.0", "v4.0", "v4.1"] = "v1.0"


class Achievements(Section, frozen=True):
    dedup_window: Duration = 300 * SECOND
    grant_delay: DelayRange = (20 * SECOND, 180 * SECOND)
    delivery: Literal["queued", "direct"] = "queued"
    idempotency_ttl: Duration = 72 * HOUR

    def mistakes(self) -> Iterator[Mistake]:
        yield from dedup_mistakes("dedup_window", self.dedup_window, self.grant_delay[1])


class RateLimit(Section, frozen=True):
    """A token bucket: `per_second` on average, `burst` at once."""

    per_second: Positive
    burst: Positive


class Trusting(Section, frozen=True):
    """What each source may do with what it says of a customer: `state` it, `claim` it, or have it ignored."""

    public: Trust = "claim"
    session: Trust = "claim"
    backend: Trust = "state"


class ChannelTrust(Section, frozen=True):
    """The same for one channel; what is left out is as for all."""

    public: Trust | None = None
    session: Trust | None = None
    backend: Trust | None = None


class Channel(Section, frozen=True):
    """A calling system. Without keys here they come from the database. Identity headers go to trusted ones
    only. `session_key` verifies its apps' session tokens; without one, a `secret_key` of that length does."""

    name: Name
    kind: Literal["online", "offline"] = "online"
    id_space: Name = ""
    default_region: Region = ""
    api_key: Key | None = None
    secret_key: Key | None = None
    session_key: Secret | None = None
    rate_limit: RateLimit | None = None
    trusted: bool = True
    trust: ChannelTrust | None = None

    def __post_init__(self) -> None:
        if not self.id_space:
            force_setattr(self, "id_space", self.name)

    def mistakes(self) -> Iterator[Mistake]:
        if self.secret_key and not self.api_key:
            yield Mistake("api_key", "is missing beside secret_key; a call shows both")
        if self.session_key and len(self.session_key.reveal()) != TOKEN_KEY:
            yield Mistake("session_key", f"is not an AES-256 key as text; write {TOKEN_KEY} characters")
        yield from _short_keys(self, ("api_key", "secret_key"), inline_too=False)

    @property
    def token_key(self) -> bytes | None:
        """What the channel's session tokens are made with; None when it has no such key."""
        secret = self.session_key or (self.secret_key and self.secret_key.secret)
        key = secret.reveal().encode() if secret else b""
        return key if len(key) == TOKEN_KEY else None


class Program(Section, frozen=True):
    """The loyalty program. The `disabled_…` texts go out with each accepted call while it is not enabled."""

    enabled: bool = True
    time_zone: TimeZone = "UTC"
    currency: Annotated[
        str, Meta(pattern="^[A-Z]{3}$", description='an ISO 4217 code, for example "USD"')
    ] = "USD"
    points_name: str = "points"
    point_value: Amount = 0.01
    disabled_status: str = "disabled"
    disabled_message: str = "The loyalty program is disabled; nothing is rewarded."
    disabled_learn_more: str = ""


CallSource = Literal["public", "session", "backend"]
"""Who calls on the public listener: with the api key alone, with a session token, with the secret key."""
CanonicalId = Literal["first", "prefixed", "profile"]
TOPICS = (
    "profile.created",
    "profile.merged",
    "profile.split",
    "review.opened",
    "achievement.granted",
    "achievement.ignored",
    "achievement.delivered",
    "achievement.dead",
)
"""What the gateway tells of itself. The platform's own begin with `customer.`."""


class Rates(Section, frozen=True):
    """By rate class: calls in a second and in 30 seconds that deliveries keep to. The platform's own limits are 30 and 360, of
    customers_read and events 100 and 1,200, of order_previews 1,000 and 15,000; the distance is for calls that
    channels wait for, which are counted and not held up."""

    coupons: Quota = (25, 330)
    customers_read: Quota = (80, 1_100)
    customers_write: Quota = (25, 330)
    events: Quota = (80, 1_100)
    order_previews: Quota = (800, 13_750)
    orders: Quota = (25, 330)
    others: Quota = (25, 330)
    transactions: Quota = (25, 330)


class OnStoreFailure(Struct, frozen=True, forbid_unknown_fields=True):
    """What becomes of a call whose customer cannot be looked up. `pass`: forwarded under the channel's own customer id."""

    reads: Literal["refuse", "pass"] = "refuse"
    writes: Literal["refuse", "pass"] = "refuse"


def store_failure(value: object) -> OnStoreFailure:
    """One word for all calls, or a table of `reads` and `writes`."""
    try:
        given = {"reads": value, "writes": value} if isinstance(value, str) else value
        return convert(given, OnStoreFailure)
    except ValidationError:
        raise ValueError(
            'is not "refuse" or "pass"; write one of them, or { reads = "pass", writes = "refuse" }'
        ) from None


class Upstream(Section, frozen=True):
    """`canonical_id` says which customer id a new profile gets towards the upstream; it also counts in local mode, so that a
    gateway can be switched to forwarding later. Times and sizes are of one call: `total_timeout` of one that a channel waits
    for, up to the head of the answer; `max_response` of an answer that has to be read whole.

    A delivery that left without an answer is sent again within the upstream's `dedup_window`, and from `reconcile_after` on
    the upstream is asked whether it arrived. One that is not done after `give_up_after` is dead. `queue_limit` counts open
    deliveries of every kind."""

    base_url: Annotated[str, written(http_url)] = "https://api.gameball.co"
    api_key: Secret | None = None
    secret_key: Secret | None = None
    canonical_id: CanonicalId = "first"
    on_store_failure: Annotated[OnStoreFailure, written(store_failure, asdict)] = OnStoreFailure()
    unknown_routes: Literal["refuse", "pass"] = "pass"
    connect_timeout: Duration = 5 * SECOND
    read_timeout: Duration = 10 * SECOND
    total_timeout: Duration = 30 * SECOND
    delivery_timeout: Duration = 10 * SECOND
    keepalive: Duration = 10 * SECOND
    max_connections: Positive = 256
    max_body: Size = 1 << 20
    max_response: Size = 16 << 20
    rates: Rates = Rates()
    dedup_window: Duration = 60 * SECOND
    reconcile_after: Duration = 10 * MINUTE
    give_up_after: Duration = 72 * HOUR
    queue_limit: Positive = 1_000_000

    def mistakes(self) -> Iterator[Mistake]:
        for name in ("connect_timeout", "read_timeout", "total_timeout", "delivery_timeout"):
            if not 0 < getattr(self, name) <= 5 * MINUTE:
                yield Mistake(name, 'is out of range; write a time up to "5m"')
        for name in ("max_body", "max_response"):
            if not 0 < getattr(self, name) <= 1 << 30:
                yield Mistake(name, 'is out of range; write a size up to "1GiB"')
        if self.reconcile_after < self.dedup_window:
            yield Mistake(
                "reconcile_after", "is shorter than dedup_window; what is sent again could still come"
            )
        if not HOUR <= self.give_up_after <= 30 * DAY:
            yield Mistake("give_up_after", 'is out of range; write "1h" to "30d"')


class Webhook(Section, frozen=True):
    """A listener to what happens here, called at `url` with bodies signed by `secret`. `events` are topics: the gateway's own,
    or the platform's (`customer.…`), which are handed on."""

    name: Name
    url: Annotated[str, written(webhook_url, webhook_url_text)]
    events: tuple[str, ...]
    secret: Secret | None = None
    allow_private: bool = False

    def mistakes(self) -> Iterator[Mistake]:
        if self.secret is None:
            yield Mistake("secret", "is missing; set it by secret_file or secret_env")
        for position, topic in enumerate(self.events):
            if topic not in TOPICS and not topic.startswith("customer."):
                yield Mistake(
                    f"events[{position}]",
                    f"is no topic; write one of {', '.join(TOPICS)}, or one of the platform's customer.…",
                )
        yield from _short_keys(self, ("secret",), inline_too=True)


class Clock(Section, frozen=True):
    """`believe_after`: how long a jump of the wall clock has to last before deadlines are judged by it."""

    believe_after: Duration = 10 * MINUTE


class Audit(Section, frozen=True):
    """How much of the log's end can be without a signature: so long, or so many events. `anchor`: where each signature is copied
    to, a file or one of the webhooks."""

    checkpoint: Duration = 60 * SECOND
    checkpoint_events: Count = 1_000
    anchor: str = ""

    def mistakes(self) -> Iterator[Mistake]:
        if self.anchor and not self.anchor.startswith(("file:/", "webhook:")):
            yield Mistake("anchor", 'is no place for anchors; write "file:/PATH" or "webhook:NAME"')


class Retention(Section, frozen=True):
    """How long what is over is kept; 0: for good. Audit events of that age are archived in `audit_archive`."""

    deliveries: Duration = 30 * DAY
    import_lists: Duration = 0
    reviews: Duration = 0
    achievements: Duration = 0
    ledger_details: Duration = 0
    audit: Duration = 0
    audit_archive: str = ""

    def mistakes(self) -> Iterator[Mistake]:
        for name in ("achievements", "ledger_details"):
            if 0 < getattr(self, name) < _LONGEST_WINDOW + DAY:
                yield Mistake(name, 'is too short, as dedup windows last up to 7 days; write at least "8d"')
        if 0 < self.audit < DAY:
            yield Mistake("audit", 'is too short; write at least "1d"')
        if self.audit and not self.audit_archive.startswith("/"):
            yield Mistake("audit_archive", "is no directory; write its path in full, from / on")


class Log(Section, frozen=True):
    level: Literal["debug", "info", "warning", "error"] = "info"
    file: str = ""
    requests: bool = True


class Limits(Section, frozen=True):
    """`failures_per_minute` is a count of refused keys of one address; 0 is no limit."""

    failures_per_minute: Count = 600


class Config(Section, frozen=True):
    server: Server = Server()
    store: Store = Store()
    gateway: Gateway = Gateway()
    rules: Rules = Rules()
    api: Api = Api()
    achievements: Achievements = Achievements()
    channels: tuple[Channel, ...] = field(default=(), name="channel")
    campaigns: tuple[Campaign, ...] = field(default=(), name="campaign")
    tiers: tuple[Tier, ...] = field(default=(), name="tier")
    trust: Trusting = Trusting()
    program: Program = Program()
    upstream: Upstream = Upstream()
    webhooks: tuple[Webhook, ...] = field(default=(), name="webhook")
    audit: Audit = Audit()
    retention: Retention = Retention()
    clock: Clock = Clock()
    log: Log = Log()
    limits: Limits = Limits()

    @property
    def delivers(self) -> bool:
        """Whether achievements are queued for the upstream, which then grants."""
        return self.gateway.mode == "forward" and self.achievements.delivery == "queued"

    def trust_in(self, channel: Channel, source: CallSource) -> Trust:
        """What a source may do on a channel."""
        own: Trust | None = getattr(channel.trust, source) if channel.trust else None
        return own or getattr(self.trust, source)

    def mistakes(self) -> Iterator[Mistake]:
        yield from _repeated("channel", "name", (channel.name for channel in self.channels))
        yield from _repeated("channel", "api_key", (key and key.digest for key in self._api_keys()))
        yield from _repeated("campaign", "id", (campaign.id for campaign in self.campaigns))
        yield from _repeated("tier", "order", (tier.order for tier in self.tiers))
        yield from _repeated("webhook", "name", (webhook.name for webhook in self.webhooks))
        yield from _tiers_out_of_order(self.tiers)
        yield from self._open_to_guessing()
        yield from self._campaign_windows()
        yield from self._mode_mistakes()
        yield from self._webhook_mistakes()

    def _api_keys(self) -> Iterator[Key | None]:
        return (channel.api_key for channel in self.channels)

    def _open_to_guessing(self) -> Iterator[Mistake]:
        """Short inline keys are for a demo on this machine only."""
        if self.server.listen.is_loopback:
            return
        for position, channel in enumerate(self.channels):
            for mistake in _short_keys(channel, ("api_key", "secret_key"), inline_too=True):
                yield mistake.under(f"channel[{position}]")

    def _campaign_windows(self) -> Iterator[Mistake]:
        longest_delay = self.achievements.grant_delay[1]
        for position, campaign in enumerate(self.campaigns):
            if campaign.dedup_window is not None:
                path = f"campaign[{position}].dedup_window"
                yield from dedup_mistakes(path, campaign.dedup_window, longest_delay)

    def _webhook_mistakes(self) -> Iterator[Mistake]:
        kind, _, anchor = self.audit.anchor.partition(":")
        anchor = anchor if kind == "webhook" else None
        for position, webhook in enumerate(self.webhooks):
            if not webhook.events and webhook.name != anchor:
                yield Mistake(
                    f"webhook[{position}].events", "is empty, so nothing would be sent; name some topics"
                )
        if anchor is not None and anchor not in {webhook.name for webhook in self.webhooks}:
            yield Mistake("audit.anchor", f'names no webhook; add a [[webhook]] with name = "{anchor}"')

    def _mode_mistakes(self) -> Iterator[Mistake]:
        if self.gateway.mode == "local":
            if self.achievements.delivery == "direct":
                yield Mistake(
                    "achievements.delivery",
                    'is "direct", which needs gateway.mode = "forward"; write "queued"',
                )
            return
        for name in ("api_key", "secret_key"):
            if getattr(self.upstream, name) is None:
                yield Mistake(
                    f"upstream.{name}", f"is missing in forward mode; set it by {name}_file or {name}_env"
                )


def dedup_mistakes(path: str, window: int, longest_delay: int) -> Iterator[Mistake]:
    """A window that ends before the grant would let a second achievement in while the first is pending."""
    if not SECOND <= window <= _LONGEST_WINDOW:
        yield Mistake(path, 'is out of range; write "1s" to "7d"')
    elif window < longest_delay:
        longest = duration_text(longest_delay)
        yield Mistake(path, f'is shorter than the longest grant_delay; write at least "{longest}"')


def _short_keys(section: Section, names: Iterable[str], *, inline_too: bool) -> Iterator[Mistake]:
    for name in names:
        key: Secret | Key | None = getattr(section, name)
        secret = key.secret if isinstance(key, Key) else key
        if secret is None or (secret.source == "inline" and not inline_too):
            continue
        if len(secret.reveal()) < SHORTEST_KEY:
            yield Mistake(name, f"is too short to be safe; use at least {SHORTEST_KEY} characters")


def _repeated(table: str, name: str, values: Iterable[Hashable | None]) -> Iterator[Mistake]:
    seen: Counter[Hashable] = Counter()
    for position, value in enumerate(values):
        if value is not None and seen[value]:
            yield Mistake(
                f"{table}[{position}].{name}", f"is also that of an earlier {table}; give each its own"
            )
        seen[value] += 1


def _tiers_out_of_order(tiers: Iterable[Tier]) -> Iterator[Mistake]:
    lower: Tier | None = None
    for position, tier in enumerate(tiers):
        if lower and not (tier.order > lower.order and tier.min_progress > lower.min_progress):
            yield Mistake(
                f"tier[{position}].min_progress",
                "does not lie above the tier before it; list tiers upwards by order and min_progress",
            )
        lower = tier
