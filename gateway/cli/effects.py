"""What a change would do, in words: the answer to a dry run."""

from typing import Any

from gateway.cli.output import Columns, Row, plain, print_rows, say
from gateway.plural import counted


def print_consequence(what: str, consequence: Row) -> None:
    """Print what an answer or a change would do, or why it would be refused."""
    if consequence["refused"]:
        say(f"\n{what} would be refused ({consequence['refused']}): {plain(consequence['why'])}")
        return
    say(f"\n{what} would do this:")
    _print(consequence["effects"])


def print_effects(effects: Row) -> None:
    """The answer to a dry run."""
    _print(effects)
    say("nothing was changed")


def _print(effects: Row) -> None:
    """The profiles as they would be, then all else that would change."""
    _section(effects["profiles"], _PROFILES, effects["profile_count"])
    _section(effects["leads"], _LEADS)
    _section(effects["keys"], _KEYS, effects["key_count"])
    _section(effects["reviews"], _REVIEWS)
    _section(effects["deliveries"], _DELIVERIES)
    for line in _lines(effects):
        say(line)


def _section(rows: list[Any], columns: Columns, count: int | None = None) -> None:
    if rows:
        print_rows(rows, columns)
        if count is not None and count > len(rows):
            say(f"and {count - len(rows):,} more")
        say("")


def _lines(effects: Row) -> list[str]:
    pins = ((effects["pins_set"], "would be set"), (effects["pins_lifted"], "would be lifted"))
    lines = [f"{counted(count, 'pin')} {what}" for count, what in pins if count]
    return [*lines, *(f"{merge} would be undone" for merge in effects["undone"])]


def _named(records: Row) -> str:
    shown: list[str] = records["records"][:3]
    more = records["record_count"] - len(shown)
    return " ".join(shown) + (f" and {more:,} more" if more else "")


_PROFILES: Columns = {
    "profile": "id",
    "version": "version",
    "canonical id": "canonical_id",
    "points": "points",
    "records": _named,
}
_LEADS: Columns = {"this id": "id", "would lead to": lambda lead: lead["to"] or "no profile"}
_KEYS: Columns = {
    "identifier": lambda key: f"{key['type']} {plain(key['value'])}",
    "of": "before",
    "would be of": "after",
}
_REVIEWS: Columns = {
    "review": lambda review: review["id"] or "new",
    "profiles": lambda review: " ".join(review["profiles"]),
    "reason": "reason",
    "would be": "state",
}
_DELIVERIES: Columns = {"would be sent to": "target", "what": "what", "how many": "count"}
