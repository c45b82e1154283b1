"""A signed log in memory, with beginnings, ends and an archive."""

from typing import Any

from gateway.audit.chain import Chain, Link
from gateway.audit.checkpoint import Checkpoint, End, LogState, digest_of, sign
from gateway.audit.event import AuditEvent
from gateway.audit.segment import Header, Packing, header_digest
from gateway.audit.signed import Breach
from gateway.audit.verify import Cut, Verifier, verifier_of

KEY = b"the key of the checkpoints"


class Log:
    """A log in memory: `a` ended in order, `b` ended in a crash and has an event that a later run signed, `c` is open and has
    one that nothing signs. Events have the times 1, 2, …, checkpoints 100, 200, …"""

    def __init__(self) -> None:
        self.points: list[Checkpoint] = []
        self.links: dict[str, list[Link]] = {}
        self.cuts: list[Cut] = []
        self.packed: dict[int, Packing] = {}
        self.state = LogState()
        self._chains: dict[str, Chain] = {}
        self._events = 0

    def build(self) -> "Log":
        self.begin("a", 3)
        self.sign(ends={"a": self.end("a", 3)})
        self.begin("b", 2)
        self.sign(reaches={"b": (1, self.links["b"][0].hash.hex())})
        self.sign(ends={"b": self.end("b", 1)})
        self.begin("c", 3)
        self.sign(reaches={"c": (2, self.links["c"][1].hash.hex())})
        return self

    def begin(self, name: str, events: int) -> None:
        self._chains[name] = Chain(name)
        self._chains[name].begin(digest_of(self.sign(begins=[name])))
        self.links[name] = [self._chains[name].link(self.event()) for _ in range(events)]

    def end(self, name: str, signed: int) -> End:
        return self.end_of(self.links[name][-1], signed)

    def end_of(self, last: Link, signed: int | None = None) -> End:
        return End(last.seq, last.hash.hex(), last.seq if signed is None else signed)

    def chain(self, name: str) -> Chain:
        return self._chains[name]

    def event(self) -> AuditEvent:
        self._events += 1
        return AuditEvent(self._events, self._events, "pin.set", "ok", "", "ann", "", "", "", "", "{}")

    def sign(self, state: LogState | None = None, **changes: Any) -> str:
        number, previous = (
            (self.points[-1].checkpoint_id + 1, self.points[-1].signature) if self.points else (1, b"")
        )
        at = 100 * number
        self.state = state or self.state.then(at, **changes)
        heads = self.state.encoded()
        self.points.append(Checkpoint(number, at, heads, sign(KEY, at, heads, previous)))
        return heads

    def archive(self, *names: str) -> Header:
        """The events of these chains go into a segment, and out of the log."""
        packing = Packing()
        packing.add([link for name in names for link in self.links.pop(name)], {})
        newest = self.cuts[-1].header if self.cuts else ""
        header = packing.header(len(self.cuts) + 1, newest and header_digest(newest))
        self.packed[header.number] = packing
        self.cuts.append(Cut(header.number, header.last, header.encoded()))
        self.sign(archived=(header.number, header_digest(header.encoded())))
        return header

    def verifier(self, **options: Any) -> Verifier:
        return verifier_of(KEY, self.points, self.cuts, **options)

    def breaches(self) -> list[Breach]:
        verifier = self.verifier()
        found = [breach for links in self.links.values() for breach in verifier.feed(links)]
        return [*found, *verifier.check()]
