"""The settings as a whole: one struct for each table of the file, with the same defaults as `config.example.toml`. A value is
checked where it is declared. `mistakes` checks settings that depend on each other."""

from collections import Counter
from collections.abc import Hashable, Iterable, Iterator
from pathlib import Path
from typing import Annotated, Literal

from msgspec import Meta, field

from gateway.clock import DAY, HOUR, MINUTE, SECOND
from gateway.config.channel import CallSource, Channel, Trusting
from gateway.config.keys import short_keys
from gateway.config.named_file import why_no_file
from gateway.config.notation import (
    Address,
    DelayRange,
    Duration,
    HostName,
    Listen,
    Network,
    Origin,
    Size,
    TimeZone,
    duration_text,
    written,
)
from gateway.config.offer import Amount, Campaign, Count, Positive, Tier
from gateway.config.operators import HeaderName, ProxyOperator
from gateway.config.secret import Key, Secret
from gateway.config.section import Mistake, Section
from gateway.config.upstream import UpstreamSettings, Webhook
from gateway.config.urls import collector_url, store_url, store_url_text
from rules.source import Trust

_LONGEST_WINDOW = 7 * DAY


class ServerSettings(Section, frozen=True):
    """The two listeners, and the master secret, from which the peppers of stored digests are derived. If `secret` is None, it
    is in `secret_file`, which the gateway creates (mode 0600) at its first start; "" is a file beside the database."""

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
    operator_header: HeaderName = ""

    def mistakes(self) -> Iterator[Mistake]:
        if self.listen == self.admin_listen and self.listen.port:
            yield Mistake("admin_listen", "is the address of listen; give the admin listener its own port")
        if self.admin_token is None and not self.admin_listen.is_loopback:
            yield Mistake(
                "admin_token",
                "is missing though admin_listen is not loopback; set admin_token_env or admin_token_file",
            )
        if self.operator_header and not self.trusted_proxies:
            yield Mistake(
                "operator_header",
                "is believed from trusted_proxies only, and there are none; name the proxy there",
            )
        yield from short_keys(self, ("admin_token", "secret"), inline_too=True)


class StoreSettings(Section, frozen=True):
    """`queue_limit` counts waiting commands, `batch_limit` commands in one transaction. `connections` are the most that one gateway
    opens to PostgreSQL: a writer, housekeeping and the rest for readers."""

    url: Annotated[str, written(store_url, store_url_text)] = "sqlite:///gateway.db"
    queue_limit: Positive = 4_096
    batch_limit: Positive = 256
    min_free_disk: Size = 256 << 20
    connections: Annotated[int, Meta(ge=4, le=1_000)] = 10
    one_coordinator: bool = False

    @property
    def sqlite_path(self) -> str | None:
        """The database file; None if the store is PostgreSQL."""
        return self.url.removeprefix("sqlite:///") if self.url.startswith("sqlite:///") else None

    def mistakes(self) -> Iterator[Mistake]:
        if self.sqlite_path is not None and (why := why_no_file(Path(self.sqlite_path))):
            yield Mistake("url", f"{self.sqlite_path} cannot be a database: {why}; name a file")


class GatewaySettings(Section, frozen=True):
    mode: Literal["local", "forward"] = "local"


class RuleSettings(Section, frozen=True):
    seed: Annotated[str, Meta(min_length=1)] = "preset:email-or-mobile"


class ApiSettings(Section, frozen=True):
    high_security: bool = False
    minimum_version: Literal["v1.0", "v2.0", "v3.0", "v4.0", "v4.1"] = "v1.0"


class AchievementSettings(Section, frozen=True):
    dedup_window: Duration = 300 * SECOND
    grant_delay: DelayRange = (20 * SECOND, 180 * SECOND)
    delivery: Literal["queued", "direct"] = "queued"
    idempotency_ttl: Duration = 72 * HOUR

    def mistakes(self) -> Iterator[Mistake]:
        yield from dedup_mistakes("dedup_window", self.dedup_window, self.grant_delay[1])


class Program(Section, frozen=True):
    """The loyalty program. While it is disabled, each accepted call is answered with the `disabled_…` texts."""

    enabled: bool = True
    time_zone: TimeZone = "UTC"
    currency: Annotated[
        str, Meta(pattern=r"^[A-Z]{3}$(?!\n)", description='an ISO 4217 code, for example "USD"')
    ] = "USD"
    points_name: str = "points"
    point_value: Amount = 0.01
    disabled_status: str = "disabled"
    disabled_message: str = "The loyalty program is disabled; nothing is rewarded."
    disabled_learn_more: str = ""


class ClockSettings(Section, frozen=True):
    """`believe_after`: how long a jump of the wall clock has to last before deadlines follow it."""

    believe_after: Duration = 10 * MINUTE


class AuditSettings(Section, frozen=True):
    """`checkpoint` and `checkpoint_events` limit the end of the log that is not signed yet: by time, and by number of events.
    `anchor` is where each signature is copied to: a file or one of the webhooks. `reads`: also log who looked at customers."""

    checkpoint: Duration = 60 * SECOND
    checkpoint_events: Count = 1_000
    anchor: str = ""
    reads: bool = False

    def mistakes(self) -> Iterator[Mistake]:
        if self.anchor and not self.anchor.startswith(("file:/", "webhook:")):
            yield Mistake("anchor", 'is not a place for anchors; write "file:/PATH" or "webhook:NAME"')


class RetentionSettings(Section, frozen=True):
    """How long finished data is kept; 0: forever. Audit events of that age are moved to `audit_archive`."""

    deliveries: Duration = 30 * DAY
    import_lists: Duration = 0
    reviews: Duration = 0
    achievements: Duration = 0
    ledger_details: Duration = 0
    activity: Duration = 90 * DAY
    audit: Duration = 0
    audit_archive: str = ""

    def mistakes(self) -> Iterator[Mistake]:
        for name in ("achievements", "ledger_details"):
            if 0 < getattr(self, name) < _LONGEST_WINDOW + DAY:
                yield Mistake(
                    name, 'is too short, because dedup windows last up to 7 days; write at least "8d"'
                )
        if 0 < self.audit < DAY:
            yield Mistake("audit", 'is too short; write at least "1d"')
        if self.audit and not self.audit_archive.startswith("/"):
            yield Mistake("audit_archive", "is not an absolute path; write the directory's full path, from /")


class LogSettings(Section, frozen=True):
    level: Literal["debug", "info", "warning", "error"] = "info"
    file: str = ""
    requests: bool = True


class TracingSettings(Section, frozen=True):
    """Where spans are exported to; without `endpoint`, nowhere. `sample_ratio` is the share of calls that are followed if their
    caller does not decide. `token_header` is the header that carries the token, and the text before the token in it."""

    endpoint: Annotated[str, written(collector_url)] = ""
    token: Secret | None = None
    token_header: Annotated[
        str,
        Meta(
            pattern=r"^[A-Za-z0-9-]{1,100}(: [A-Za-z0-9-]{1,100})?$(?!\n)",
            description='a header\'s name, or with what stands before the token: "Authorization: Bearer"',
        ),
    ] = "Authorization: Bearer"  # noqa: S105 - a name
    compression: Literal["gzip", "none"] = "gzip"
    sample_ratio: Annotated[float, Meta(ge=0, le=1, description="a number from 0 to 1")] = 1.0
    service_name: Annotated[str, Meta(min_length=1, max_length=100)] = "gateway"


class LimitSettings(Section, frozen=True):
    """`failures_per_minute` is the number of refused keys from one address; 0 is no limit."""

    failures_per_minute: Count = 600


class Config(Section, frozen=True):
    server: ServerSettings = ServerSettings()
    store: StoreSettings = StoreSettings()
    gateway: GatewaySettings = GatewaySettings()
    rules: RuleSettings = RuleSettings()
    api: ApiSettings = ApiSettings()
    achievements: AchievementSettings = AchievementSettings()
    channels: tuple[Channel, ...] = field(default=(), name="channel")
    campaigns: tuple[Campaign, ...] = field(default=(), name="campaign")
    tiers: tuple[Tier, ...] = field(default=(), name="tier")
    operators: tuple[ProxyOperator, ...] = field(default=(), name="operator")
    trust: Trusting = Trusting()
    program: Program = Program()
    upstream: UpstreamSettings = UpstreamSettings()
    webhooks: tuple[Webhook, ...] = field(default=(), name="webhook")
    audit: AuditSettings = AuditSettings()
    retention: RetentionSettings = RetentionSettings()
    clock: ClockSettings = ClockSettings()
    log: LogSettings = LogSettings()
    tracing: TracingSettings = TracingSettings()
    limits: LimitSettings = LimitSettings()

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
        if self.operators and not self.server.operator_header:
            yield Mistake(
                "server.operator_header",
                "is missing though there are [[operator]] tables; name the proxy's header",
            )
        yield from _repeated("operator", "name", (one.name for one in self.operators))
        yield from _repeated("operator", "user", (one.user for one in self.operators))
        yield from _repeated("webhook", "name", (webhook.name for webhook in self.webhooks))
        yield from _tiers_out_of_order(self.tiers)
        yield from self._open_to_guessing()
        yield from self._campaign_windows()
        yield from self._mode_mistakes()
        yield from self._webhook_mistakes()

    def _api_keys(self) -> Iterator[Key | None]:
        return (channel.api_key for channel in self.channels)

    def _open_to_guessing(self) -> Iterator[Mistake]:
        """Short inline keys are only for a demo on this machine."""
        if self.server.listen.is_loopback:
            return
        for position, channel in enumerate(self.channels):
            for mistake in short_keys(channel, ("api_key", "secret_key"), inline_too=True):
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
    """If the window ended before the grant, a second achievement would be accepted while the first is pending."""
    if not SECOND <= window <= _LONGEST_WINDOW:
        yield Mistake(path, 'is out of range; write "1s" to "7d"')
    elif window < longest_delay:
        longest = duration_text(longest_delay)
        yield Mistake(path, f'is shorter than the longest grant_delay; write at least "{longest}"')


def _repeated(table: str, name: str, values: Iterable[Hashable | None]) -> Iterator[Mistake]:
    seen: Counter[Hashable] = Counter()
    for position, value in enumerate(values):
        if value is not None and seen[value]:
            yield Mistake(
                f"{table}[{position}].{name}", f"is already that of an earlier {table}; give each its own"
            )
        seen[value] += 1


def _tiers_out_of_order(tiers: Iterable[Tier]) -> Iterator[Mistake]:
    lower: Tier | None = None
    for position, tier in enumerate(tiers):
        if lower and not (tier.order > lower.order and tier.min_progress > lower.min_progress):
            yield Mistake(
                f"tier[{position}].min_progress",
                "is not above the tier before it; list tiers in ascending order and min_progress",
            )
        lower = tier
