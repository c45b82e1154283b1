"""Ids and names in bodies and queries: prefixed text outside, integers inside."""

from typing import Annotated

from msgspec import Meta

from gateway.config import Channel
from gateway.errors import Refusal
from gateway.http.services import Services
from gateway.ids import Prefix, read

_KINDS = {"prf": "profile", "rec": "record"}
ProfileId = Annotated[
    str, Meta(pattern=r"^prf_[0-7][0-9a-f]{15}$(?!\n)", description="prf_ and 16 hexadecimal digits")
]
RecordId = Annotated[
    str, Meta(pattern=r"^rec_[0-7][0-9a-f]{15}$(?!\n)", description="rec_ and 16 hexadecimal digits")
]
Reason = Annotated[
    str, Meta(min_length=1, max_length=500, pattern=r"\S", description="why; it is kept in the audit log")
]

DryRun = Annotated[
    bool, Meta(description="change nothing, and answer with the effects that the change would have now")
]


def number(prefix: Prefix, place: str, text: str) -> int:
    """The number of the id. Raises Refusal, naming the place, if this is not an id of this kind."""
    found = read(prefix, text)
    if found is None:
        raise Refusal(
            "bad_parameter",
            f"{place}: is not a {_KINDS.get(prefix, prefix)} id; write {prefix}_ and 16 hexadecimal digits",
        )
    return found


def channel_named(services: Services, name: str) -> Channel:
    """Raises Refusal, listing the channels that are configured."""
    channels = {channel.name: channel for channel in services.config.channels}
    if name not in channels:
        raise Refusal(
            "unknown_channel", f"channel: is not configured; known: {', '.join(channels) or 'none'}"
        )
    return channels[name]
