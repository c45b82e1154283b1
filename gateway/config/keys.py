"""The shortest length of a key."""

from collections.abc import Iterable, Iterator

from gateway.config.secret import Key, Secret
from gateway.config.section import Mistake, Section

SHORTEST_KEY = 16
"""Characters; `gateway keys new` makes far longer keys."""


def short_keys(section: Section, names: Iterable[str], *, inline_too: bool) -> Iterator[Mistake]:
    for name in names:
        key: Secret | Key | None = getattr(section, name)
        secret = key.secret if isinstance(key, Key) else key
        if secret is None or (secret.source == "inline" and not inline_too):
            continue
        if len(secret.reveal()) < SHORTEST_KEY:
            yield Mistake(name, f"is too short to be safe; use at least {SHORTEST_KEY} characters")
