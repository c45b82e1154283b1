"""The data of a customer, record by record: attributes, tags and claims."""

from gateway.model import AttributeValue, Claim, ClaimedAttribute, Claims
from gateway.model.names import NAMES, name_entries
from gateway.workingset.batch_context import BatchContext
from gateway.workingset.collection import Collection, Of, Written
from rules.identifier import Identifier
from rules.record import Record
from rules.source import Source


class Customers(BatchContext):
    """`attributes` and `tags` are loaded together, `claims` by themselves, all by record. What changed of them is kept row by
    row in `attribute_rows`, `tag_rows`, `claim_rows` and `claimed_attribute_rows`. `renamed` are the records whose names changed
    since the last save, with the texts under which they were found before."""

    attributes = Of(Collection[int, dict[str, str]])
    tags = Of(Collection[int, set[str]])
    claims = Of(Collection[int, Claims])
    attribute_rows = Of(Written[tuple[int, str], AttributeValue])
    tag_rows = Of(Written[tuple[int, str], int])
    claim_rows = Of(Written[tuple[int, Identifier], Claim])
    renamed = Of(Written[int, frozenset[str]])
    claimed_attribute_rows = Of(Written[tuple[int, str], ClaimedAttribute])

    def begin_customer(self, record: Record) -> None:
        """A new record has no data yet."""
        self.attributes.held[record.record_id] = {}
        self.tags.held[record.record_id] = set()
        self.claims.held[record.record_id] = Claims()

    def set_attribute(self, record: Record, name: str, value: str, source: Source = "backend") -> None:
        self._note_name(record, name)
        self.attributes[record.record_id][name] = value
        self.attribute_rows.keep((record.record_id, name), AttributeValue(value, self.stamp, source))

    def drop_attribute(self, record: Record, name: str) -> None:
        self._note_name(record, name)
        self.attributes[record.record_id].pop(name, None)
        self.attribute_rows.drop((record.record_id, name))

    def _note_name(self, record: Record, attribute: str) -> None:
        """Before the attribute changes."""
        if attribute in NAMES and record.record_id not in self.renamed.changed:
            self.renamed.keep(record.record_id, name_entries(self.attributes[record.record_id]))

    def forget_name(self, record: Record) -> None:
        """The record goes: it is found by its names no more. Its attributes have to be loaded."""
        self._note_name(record, NAMES[0])
        self.attributes.put(record.record_id, {})

    def set_tag(self, record: Record, tag: str) -> None:
        self.tags[record.record_id].add(tag)
        self.tag_rows.keep((record.record_id, tag), self.now)

    def drop_tag(self, record: Record, tag: str) -> None:
        self.tags[record.record_id].discard(tag)
        self.tag_rows.drop((record.record_id, tag))

    def keep_claim(self, record: Record, identifier: Identifier, claim: Claim) -> None:
        self.claims[record.record_id].identifiers[identifier] = claim
        self.claim_rows.keep((record.record_id, identifier), claim)

    def drop_claim(self, record: Record, identifier: Identifier) -> None:
        """The record's claim of this identifier, if there is one; it need not be loaded."""
        if record.record_id in self.claims:
            self.claims[record.record_id].identifiers.pop(identifier, None)
        self.claim_rows.drop((record.record_id, identifier))

    def keep_claimed_attribute(self, record: Record, name: str, given: ClaimedAttribute) -> None:
        self.claims[record.record_id].attributes[name] = given
        self.claimed_attribute_rows.keep((record.record_id, name), given)
