"""Customers whose true persons are known, as the rules read them: made by `registrations`, or read from any labelled file."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from gateway.http.gameball.identifiers import identify
from gateway.simulate.registrations import ATTRIBUTES, COLUMNS, HOME, Registration
from rules.normalize import Normalizer
from rules.record import Observation, Record

BEGAN = 1_750_000_000_000
_STEP = 1_000


class Labelled(NamedTuple):
    """A row: `identifiers` as they were written, by type, and `region` that of its national numbers. Rows of one `person` are one
    person's."""

    channel: str
    customer_id: str
    person: str
    region: str
    identifiers: Mapping[str, str]
    attributes: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Customers:
    """Rows as records; those of one customer id at one channel are one record. `persons` and `attributes` are by record id, and
    `texts` are the row's own identifiers."""

    records: Sequence[Record]
    persons: Sequence[str]
    attributes: Sequence[Mapping[str, str]]
    texts: Sequence[Mapping[str, str]]

    @property
    def now(self) -> int:
        """When all of them are there."""
        return BEGAN + _STEP * (len(self.records) + 1)


def as_labelled(rows: Iterable[Registration]) -> Iterable[Labelled]:
    for row in rows:
        cells = dict(zip(COLUMNS, row.cells, strict=True))
        yield Labelled(
            row.channel,
            cells["customer_id"],
            str(row.person),
            HOME,
            {name: cells[name] for name in ("email", "mobile") if cells[name]},
            {attribute: cells[name] for name, attribute in ATTRIBUTES.items() if cells[name]},
        )


def read_customers(rows: Iterable[Labelled], normalizer: Normalizer) -> Customers:
    """One after another, as an import reads them."""
    records: dict[tuple[str, str], Record] = {}
    persons: list[str] = []
    attributes: list[dict[str, str]] = []
    texts: list[dict[str, str]] = []
    for at, row in enumerate(rows, BEGAN // _STEP):
        key = row.channel, row.customer_id
        record = records.get(key)
        if record is None:
            number = len(records)
            record = records[key] = Record(number, row.channel, row.customer_id, number, at * _STEP)
            persons.append(row.person)
            attributes.append({})
            texts.append({})
        _state(record, row, at * _STEP, normalizer)
        attributes[record.record_id] |= row.attributes
        texts[record.record_id] |= row.identifiers
    return Customers(list(records.values()), persons, attributes, texts)


def _state(record: Record, row: Labelled, at: int, normalizer: Normalizer) -> None:
    for stated in identify(row.identifiers, row.region, normalizer).evidence:
        if stated.status == "invalid":
            continue
        seen = record.observations.get(stated.identifier)
        if seen is None:
            blocked = stated.status == "blocked"
            seen = Observation(stated.identifier, at, at, blocked=blocked)
            record.observations[stated.identifier] = seen
        seen.last_seen = at
