"""A customer's history as a table of sentences."""

from collections.abc import Iterable
from typing import Any

from gateway.audit.sentences import sentence
from gateway.cli.output import Columns

HISTORY_COLUMNS: Columns = {
    "at": "at",
    "what": sentence,
    "by": lambda event: event["actor"] or event["channel"],
    "object": "object",
    "request": "request_id",
}


def in_order(events: Iterable[Any]) -> list[Any]:
    """Every event once, oldest first."""
    return [event for _, event in sorted({event["id"]: event for event in events}.items())]
