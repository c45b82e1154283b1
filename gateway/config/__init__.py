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
    Achievements,
    Api,
    Audit,
    Config,
    Gateway,
    Limits,
    Log,
    Program,
    Rules,
    Server,
    Store,
)
from gateway.config.upstream import CanonicalId, Rates, Upstream, Webhook

__all__ = [
    "Achievements",
    "Address",
    "Api",
    "Audience",
    "Audit",
    "CallSource",
    "Campaign",
    "CampaignType",
    "CanonicalId",
    "Channel",
    "Config",
    "ConfigError",
    "Coupon",
    "CouponType",
    "Gateway",
    "Key",
    "Limit",
    "Limits",
    "Log",
    "Period",
    "Program",
    "RateLimit",
    "Rates",
    "Rules",
    "Secret",
    "Server",
    "Store",
    "Tier",
    "Upstream",
    "Webhook",
    "key_digest",
    "load",
    "masked",
    "warnings",
    "with_api_key_alone",
]
