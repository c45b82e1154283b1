"""The requests of the load: people with stable customer ids, mobiles and e-mails, and (person, campaign) pairs in random order.
No pair appears twice, so no request falls into another's dedup window."""

import random
from array import array
from pathlib import Path
from typing import NamedTuple

import msgspec

CHANNEL = "bench"
API_KEY = "bench-api-key-0000"
SECRET_KEY = "bench-secret-key-0000"  # noqa: S105 - of a gateway that lives for one measurement
DOMAINS = 50
FIRST_CAMPAIGN = 1
ITEM = array("I").itemsize


class Person(NamedTuple):
    customer_id: str
    email: str
    mobile: str


def person(number: int) -> Person:
    """Person 0, 1, 2, … up to 9,999,999: valid Egyptian mobiles, addresses over a few dozen domains."""
    return Person(
        f"c{number:07d}",
        f"person{number:07d}@mail{number % DOMAINS}.example.com",
        f"+20109{number:07d}",
    )


class Workload(msgspec.Struct, frozen=True, tag=True):
    """Pairs of `people` × `campaigns`, the campaigns numbered from `first`; `order` is a file of 32-bit pair
    numbers, shuffled once, read in slices."""

    people: int
    campaigns: int
    order: str
    first: int = FIRST_CAMPAIGN

    @classmethod
    def shuffled(cls, people: int, pairs: int, order: Path, first: int = FIRST_CAMPAIGN) -> "Workload":
        """At least `pairs` pairs, over as few campaigns as hold them; the same order every time."""
        campaigns = -(-pairs // people)
        numbers = array("I", range(people * campaigns))
        random.Random(people).shuffle(numbers)  # noqa: S311
        order.write_bytes(numbers.tobytes())
        return cls(people, campaigns, str(order), first)

    @property
    def last(self) -> int:
        return self.first + self.campaigns - 1

    def requests(self, offset: int, count: int) -> list[bytes]:
        """The whole HTTP requests of the pairs `offset … offset + count`; fewer at the end of the file."""
        numbers = array("I")
        with Path(self.order).open("rb") as file:
            file.seek(offset * ITEM)
            numbers.frombytes(file.read(count * ITEM))
        return [self._request(number) for number in numbers]

    def _request(self, pair: int) -> bytes:
        campaign, number = divmod(pair, self.people)
        return achieve_request(person(number), self.first + campaign)


class Events(msgspec.Struct, frozen=True, tag=True):
    """An event of each of `people` in turn, each with the customer's merge keys as integrations send them."""

    people: int

    def requests(self, offset: int, count: int) -> list[bytes]:
        return [event_request(person(number % self.people)) for number in range(offset, offset + count)]


def event_request(who: Person) -> bytes:
    body = (
        f'{{"customerId":"{who.customer_id}","email":"{who.email}","mobile":"{who.mobile}",'
        '"events":{"viewed":{"sku":"4711","category":"shoes"}}}'
    )
    return _request("events", body)


def achieve_request(who: Person, campaign: int) -> bytes:
    body = (
        f'{{"customerId":"{who.customer_id}","challengeId":{campaign},'
        f'"email":"{who.email}","mobile":"{who.mobile}"}}'
    )
    return _request("customers/social-challenges", body)


def _request(path: str, body: str) -> bytes:
    return (
        f"POST /api/v4.1/integrations/{path} HTTP/1.1\r\n"
        f"Host: 127.0.0.1\r\napikey: {API_KEY}\r\nsecretkey: {SECRET_KEY}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n{body}"
    ).encode()
