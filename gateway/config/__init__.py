"""The settings of one gateway: one TOML file, read once into frozen structs. `load` returns settings that fit together, or
raises every mistake of the file at once. No other module reads settings from files or the environment, and nothing overrides
them later. Relative paths start at the working directory."""

from gateway.config.channel import CallSource, Channel, RateLimit
from gateway.config.check import masked, warnings, with_api_key_alone
from gateway.config.file import ConfigError, load
from gateway.config.notation import Address
from gateway.config.offer import Audience, Campaign, CampaignType, Coupon, CouponType, Limit, Period, Tier
from gateway.config.secret import Key, Secret, key_digest
from gateway.config.settings import (
    AchievementSettings,
    ApiSettings,
    AuditSettings,
    Config,
    GatewaySettings,
    LimitSettings,
    LogSettings,
    Program,
    RuleSettings,
    ServerSettings,
    StoreSettings,
    TracingSettings,
)
from gateway.config.upstream import CanonicalId, Rates, UpstreamSettings, Webhook

__all__ = [
    "AchievementSettings",
    "Address",
    "ApiSettings",
    "Audience",
    "AuditSettings",
    "CallSource",
    "Campaign",
    "CampaignType",
    "CanonicalId",
    "Channel",
    "Config",
    "ConfigError",
    "Coupon",
    "CouponType",
    "GatewaySettings",
    "Key",
    "Limit",
    "LimitSettings",
    "LogSettings",
    "Period",
    "Program",
    "RateLimit",
    "Rates",
    "RuleSettings",
    "Secret",
    "ServerSettings",
    "StoreSettings",
    "Tier",
    "TracingSettings",
    "UpstreamSettings",
    "Webhook",
    "key_digest",
    "load",
    "masked",
    "warnings",
    "with_api_key_alone",
]
