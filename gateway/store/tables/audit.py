"""Audit events and the words that they are bound to: how they are stored. Events are linked to the chain as they are written."""

from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

from gateway.audit.chain import Chain
from gateway.audit.event import AuditEvent
from gateway.store.statement import Write
from gateway.store.tables.table import Table
from gateway.workingset import WorkingSet, Written

_EVENTS = "INSERT INTO audit VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"


def audit_write(events: Iterable[AuditEvent], chain: Chain) -> Write:
    """The events as the next links of the chain."""
    rows: list[tuple[Any, ...]] = []
    for event in events:
        link = chain.link(event)
        event_id, *fields = msgspec.structs.astuple(event)
        rows.append((event_id, link.chain, link.seq, *fields, link.hash, link.bound))
    return Write(_EVENTS, rows)


def _save_words(ws: WorkingSet, words: Written[int, str]) -> Iterator[Write]:
    yield Write("INSERT INTO audit_words VALUES (?, ?)", list(words.added.items()))


def _save_words_of(ws: WorkingSet, rows: Written[tuple[int, int], None]) -> Iterator[Write]:
    yield Write("INSERT INTO audit_words_of VALUES (?, ?)", list(rows.added))


TABLES = (Table("words", None, _save_words), Table("words_of", None, _save_words_of))
