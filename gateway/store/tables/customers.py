"""Attributes, tags and claims: how they are stored."""

from collections.abc import Iterator
from typing import Any

from gateway.model import AttributeValue, Claim, ClaimedAttribute, Claims
from gateway.model.names import name_entries
from gateway.store.statement import Query, Write
from gateway.store.tables.columns import Columns
from gateway.store.tables.table import Loading, Table, rows_of
from gateway.workingset import WorkingSet, Written
from rules.identifier import Identifier

_ATTRIBUTE = Columns("attribute", AttributeValue, "record_id bigint, name text")
_CLAIM = Columns("claim", Claim, "record_id bigint, type text, value text")
_CLAIMED_ATTRIBUTE = Columns("claimed_attribute", ClaimedAttribute, "record_id bigint, name text")
_ATTRIBUTES = """SELECT a.record_id, a.name, a.value FROM keys(record_id bigint) AS k
CROSS JOIN attribute AS a ON a.record_id = k.record_id"""
_TAGS = """SELECT t.record_id, t.tag FROM keys(record_id bigint) AS k
CROSS JOIN tag AS t ON t.record_id = k.record_id"""
_CLAIMS = f"""SELECT {_CLAIM.select("c")} FROM keys(record_id bigint) AS k
CROSS JOIN claim AS c ON c.record_id = k.record_id ORDER BY c.claimed_at, c.type, c.value"""
_CLAIMED_ATTRIBUTES = f"""SELECT {_CLAIMED_ATTRIBUTE.select("c")} FROM keys(record_id bigint) AS k
CROSS JOIN claimed_attribute AS c ON c.record_id = k.record_id ORDER BY c.claimed_at, c.name"""
_NO_NAME = "DELETE FROM person_name WHERE name = ? AND record_id = ?"


def _load_attributes(ws: WorkingSet, record_ids: list[int]) -> Loading:
    for record_id in record_ids:
        ws.attributes.put(record_id, {})
        ws.tags.put(record_id, set())
    attributes, tags = yield [Query(_ATTRIBUTES, record_ids), Query(_TAGS, record_ids)]
    for record_id, name, value in attributes:
        ws.attributes[record_id][name] = value
    for record_id, tag in tags:
        ws.tags[record_id].add(tag)


def _load_claims(ws: WorkingSet, record_ids: list[int]) -> Loading:
    for record_id in record_ids:
        ws.claims.put(record_id, Claims())
    identifiers, attributes = yield [Query(_CLAIMS, record_ids), Query(_CLAIMED_ATTRIBUTES, record_ids)]
    for record_id, kind, value, *said in identifiers:
        ws.claims[record_id].identifiers[Identifier(kind, value)] = _CLAIM.read(said)
    for record_id, name, *said in attributes:
        ws.claims[record_id].attributes[name] = _CLAIMED_ATTRIBUTE.read(said)


def _save_names(ws: WorkingSet, renamed: Written[int, frozenset[str]]) -> Iterator[Write]:
    """In the order of the tree, so that a large batch touches each page of it once."""
    gone: list[tuple[str, int]] = []
    new: list[tuple[str, int]] = []
    for record_id, before in renamed.changed.items():
        after = name_entries(ws.attributes[record_id])
        gone += [(entry, record_id) for entry in before - after]
        new += [(entry, record_id) for entry in after - before]
    if gone:
        yield Write(_NO_NAME, sorted(gone))
    if new:
        yield Write(
            "INSERT INTO person_name VALUES (?, ?) ON CONFLICT (name, record_id) DO NOTHING", sorted(new)
        )


def _save_tags(ws: WorkingSet, tags: Written[Any, Any]) -> Iterator[Write]:
    if tags.dropped:
        yield Write("DELETE FROM tag WHERE record_id = ? AND tag = ?", list(tags.dropped))
    if tags.changed:
        rows = [(*key, at) for key, at in tags.changed.items()]
        yield Write("INSERT INTO tag VALUES (?, ?, ?) ON CONFLICT (record_id, tag) DO NOTHING", rows)


def _save_claims(ws: WorkingSet, claims: Written[tuple[int, Identifier], Claim]) -> Iterator[Write]:
    if claims.dropped:
        yield Write(
            _CLAIM.delete, sorted((record_id, *identifier) for record_id, identifier in claims.dropped)
        )
    if claims.changed:
        rows = [(record_id, *what, *_CLAIM.row(claim)) for (record_id, what), claim in claims.changed.items()]
        yield Write(_CLAIM.insert_new, rows)


TABLES = (
    Table("attributes", _load_attributes),
    Table("attribute_rows", None, rows_of(_ATTRIBUTE)),
    Table("renamed", None, _save_names),
    Table("claims", _load_claims),
    Table("claim_rows", None, _save_claims),
    Table("claimed_attribute_rows", None, rows_of(_CLAIMED_ATTRIBUTE)),
    Table("tag_rows", None, _save_tags),
)
