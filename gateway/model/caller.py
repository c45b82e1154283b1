"""Who sends a command."""

import msgspec

from rules.source import Source, Trust


class Caller(msgspec.Struct, frozen=True):
    """Who sends a command: a channel with one of its keys, or an operator (then `channel` and `id_space` are empty). The
    gateway itself is no source. `trust` is what its source may do with what it says of a customer. `trace` is one that it named."""

    channel: str
    id_space: str
    actor: str
    request_id: str
    source: Source = "backend"
    trust: Trust = "state"
    trace: str = ""
