"""The output of `gateway check`: the effective settings, with every secret masked, and settings that are probably not
intended."""

from collections.abc import Callable, Iterator
from typing import Any

from msgspec.structs import fields

from gateway.config.channel import CallSource, Channel
from gateway.config.reading import notation_of
from gateway.config.secret import Key, Secret
from gateway.config.section import Section
from gateway.config.settings import Config

_UNPROVEN: dict[CallSource, str] = {"public": "its api key", "session": "a session token of its own"}

_MASK = "******"


def masked(config: Section, mark: Callable[[str], str] | None = None) -> dict[str, Any]:
    """The settings as the file would write them, but with the source of each secret in its place. With `mark`, a secret shows
    the mark of its value instead, and so does a text with a masked part. Two values are equal if their marks are."""
    return {
        setting.encode_name: _shown(setting.type, getattr(config, setting.name), mark)
        for setting in fields(config)
    }


def _shown(kind: Any, value: Any, mark: Callable[[str], str] | None) -> Any:
    match value:
        case None | bool():
            return value
        case Section():
            return masked(value, mark)
        case Secret() | Key():
            return f"{_MASK} ({mark(_identity(value)) if mark else value.source})"
        case frozenset():
            return sorted(value)
        case _ if notation := notation_of(kind):
            written = notation.write(value)
            hides = isinstance(written, str) and _MASK in written
            return f"{written} ({mark(value)})" if mark and hides else written
        case tuple():
            return [_shown(kind.__args__[0], item, mark) for item in value]
        case _:
            return value


def _identity(secret: Secret | Key) -> str:
    """The same text for equal secrets. A key in clear is not equal to its digest, because the gateway can do more with it."""
    if isinstance(secret, Secret):
        return secret.reveal()
    return f"{secret.digest.hex()} {'digest' if secret.secret is None else 'clear'}"


def warnings(config: Config) -> list[str]:
    """Settings that are allowed but probably not meant; for `gateway check` and the log at start."""
    return [*_exposed(config), *_without_effect(config)]


def with_api_key_alone(config: Config) -> dict[str, str]:
    """By channel, what a caller that has only its api key can do."""
    return {channel.name: _alone(config, channel) for channel in config.channels}


def _alone(config: Config, channel: Channel) -> str:
    if config.api.high_security or config.api.minimum_version == "v4.1":
        return "do nothing: every call needs the secret key or a session token"
    reads = "read the open attributes of a customer id that it names"
    match config.trust_in(channel, "public"):
        case "state":
            return (
                f"{reads}, with all that the profile knows, create customers, JOIN ANY TWO PROFILES by writing their e-mail or"
                " mobile, and overwrite attributes"
            )
        case "claim":
            return (
                f"{reads}, as far as that record has them, create customers, and claim identifiers and attributes, which join"
                " no profiles and overwrite nothing"
            )
        case "ignore":
            return f"{reads}, as far as that record has them; what it says is not stored"


def _exposed(config: Config) -> Iterator[str]:
    yield from _written_secrets(config)
    yield from _trusted_without_proof(config)
    yield from _unencrypted(config)


def _written_secrets(config: Config) -> Iterator[str]:
    if not config.server.listen.is_loopback:
        for position, channel in enumerate(config.channels):
            for name, key in (("api_key", channel.api_key), ("secret_key", channel.secret_key)):
                if key and key.source == "inline":
                    yield f"channel[{position}].{name}: is written in the file; use {name}_file or {name}_env"
    if masked(config.store)["url"] != config.store.url:
        yield "store.url: holds a password; use PGPASSFILE or PGPASSWORD"


def _trusted_without_proof(config: Config) -> Iterator[str]:
    for position, channel in enumerate(config.channels):
        for source, shown in _UNPROVEN.items():
            if config.trust_in(channel, source) == "state":
                yield (
                    f'channel[{position}]: trust in {source} calls is "state", so a caller with {shown} can join two profiles by'
                    ' writing their e-mail or mobile; use "claim"'
                )


def _unencrypted(config: Config) -> Iterator[str]:
    for position, webhook in enumerate(config.webhooks):
        if webhook.url.startswith("http://"):
            yield f"webhook[{position}].url: is not encrypted; use https"
    if config.tracing.endpoint.startswith("http://") and config.tracing.token is not None:
        yield "tracing.endpoint: is not encrypted, so anyone on the way can read the token; use https"
    if config.upstream.base_url.startswith("http://") and config.gateway.mode == "forward":
        yield "upstream.base_url: is not encrypted; use https"


def _without_effect(config: Config) -> Iterator[str]:
    if not config.channels:
        yield "channel: none is configured, so no system can call; add a [[channel]]"
    highest = max((tier.order for tier in config.tiers), default=0)
    for position, campaign in enumerate(config.campaigns):
        if campaign.audience.min_tier > highest:
            yield f"campaign[{position}].audience.min_tier: no customer can earn; add a [[tier]] that high"
