"""The data of a customer, record by record: attributes, tags and claims."""

from gateway.model import AttributeValue, Claim, ClaimedAttribute, Claims
from gateway.workingset.collection import Collection, Of, Written
from gateway.workingset.moment import Moment
from rules.identifier import Identifier
from rules.record import Record
from rules.source import Source


class Customers(Moment):
    """`attributes` and `tags` are loaded together, `claims` alone, all by record. Their changes are kept row by row in
    `attribute_rows`, `tag_rows`, `claim_rows` and `claimed_attribute_rows`."""

    attributes = Of(Collection[int, dict[str, str]])
    tags = Of(Collection[int, set[str]])
    claims = Of(Collection[int, Claims])
    attribute_rows = Of(Written[tuple[int, str], AttributeValue])
    tag_rows = Of(Written[tuple[int, str], int])
    claim_rows = Of(Written[tuple[int, Identifier], Claim])
    claimed_attribute_rows = Of(Written[tuple[int, str], ClaimedAttribute])

    def begin_customer(self, record: Record) -> None:
        """A new record has no data yet."""
        self.attributes.held[record.record_id] = {}
        self.tags.held[record.record_id] = set()
        self.claims.held[record.record_id] = Claims()

    def set_attribute(self, record: Record, name: str, value: str, source: Source = "backend") -> None:
        self.attributes[record.record_id][name] = value
        self.attribute_rows.keep((record.record_id, name), AttributeValue(value, self.stamp, source))

    def drop_attribute(self, record: Record, name: str) -> None:
        self.attributes[record.record_id].pop(name, None)
        self.attribute_rows.drop((record.record_id, name))

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
