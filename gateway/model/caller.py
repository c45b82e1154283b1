"""Who sends a command."""

import msgspec

from rules.source import Source, Trust


class Caller(msgspec.Struct, frozen=True):
    """Who sends a command: a channel with one of its keys, or an operator (then `channel` and `id_space` are empty). The
    gateway itself is no source. `trust` says what happens to the caller's statements about a customer. `trace` is the caller's
    own, or one that is followed. `declared` is what the user of the shared token calls themselves, which proves nothing."""

    channel: str
    id_space: str
    actor: str
    request_id: str
    source: Source = "backend"
    trust: Trust = "state"
    trace: str = ""
    declared: str = ""
