"""Checks an archive: every segment is there, the log or the master secret vouches for it, and it holds its events."""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path

from gateway.audit.chain import Link
from gateway.audit.segment import header_digest, is_signed, name_of
from gateway.audit.segment_file import SegmentFile, listed, read_segment
from gateway.audit.signed import Breach
from gateway.audit.verify import Cut, Verifier

ARCHIVE = "archive"
"""Used in place of a chain in a breach of an archive. The number is then that of a segment."""


class Archive:
    """The segments of a directory. `cuts` are a log's records of its archive, which the segments must match. Without `cuts`,
    the segments must be signed with `key` and follow each other from the first one on. `breaches` are violations of this."""

    def __init__(self, directory: Path, key: bytes, cuts: Sequence[Cut] | None = None) -> None:
        self._key = key
        self.breaches: list[Breach] = []
        self._good: list[SegmentFile] = []
        recorded = None if cuts is None else {cut.segment: cut.header for cut in cuts}
        try:
            paths = listed(directory)
        except OSError as error:
            self.breaches.append(Breach(ARCHIVE, 0, f"{directory}: cannot be read ({error.strerror})"))
            return
        highest = len(recorded) if recorded is not None else max(paths, default=0)
        for number in sorted({*paths, *range(1, highest + 1)}):
            if number in paths:
                self._look_at(number, paths[number], recorded)
            else:
                self._note(number, f"is missing in {directory}")
        if recorded is None:
            self._hold_together()

    @property
    def segments(self) -> int:
        return len(self._good)

    def check(self, verifier: Verifier) -> Iterator[list[Breach]]:
        """Feeds all events to a verifier, in pieces. Returns the breaches."""
        for piece in self.pieces(verifier):
            yield [piece] if isinstance(piece, Breach) else list(verifier.feed(piece))

    def pieces(self, verifier: Verifier) -> Iterator[list[Link] | Breach]:
        """All events, to be fed to the verifier before the next piece is taken, and what is wrong with their files."""
        for file in self._good:
            verifier.begin(file.header)
            try:
                yield from file.links()
            except OSError as error:
                yield self._breach(file.header.number, f"cannot be read ({error.strerror})")
            except ValueError as error:
                yield self._breach(file.header.number, f"was altered: {error}")

    def links(self) -> Iterator[list[Link]]:
        """All events again, from an archive that was checked before. Raises OSError and ValueError."""
        for file in self._good:
            yield from file.links()

    def _look_at(self, number: int, path: Path, recorded: dict[int, str] | None) -> None:
        try:
            file = read_segment(path)
        except OSError as error:
            self._note(number, f"cannot be read ({error.strerror})")
            return
        except ValueError as error:
            self._note(number, f"cannot be used: {error}")
            return
        if problem := self._problem(number, file, recorded):
            self._note(number, problem)
        elif recorded is None or number in recorded:
            self._good.append(file)

    def _problem(self, number: int, file: SegmentFile, recorded: dict[int, str] | None) -> str:
        """A signed segment after the last recorded one is left over from an archiving run that was killed. The next run uses
        it."""
        if file.header.number != number:
            return f"holds segment {file.header.number}: the file was renamed"
        if recorded is not None and number in recorded:
            known = file.text == recorded[number]
            return (
                ""
                if known
                else "is not the one that the log records: it was edited, or belongs to another log"
            )
        if not is_signed(self._key, file.text, file.signature):
            return "is not signed with the master secret: it was edited, or belongs to another database"
        if recorded is None:
            return ""
        newest = header_digest(recorded[len(recorded)]) if recorded else ""
        if (number, file.header.previous) == (len(recorded) + 1, newest):
            return ""
        return "is not recorded in the log: it belongs to another log, or the log was restored to an earlier state"

    def _hold_together(self) -> None:
        if self._good and self._good[0].header.number == 1 and self._good[0].header.previous:
            self._note(1, "is not the first of its log")
        for one, other in pairwise(self._good):
            follows = one.header.number + 1 == other.header.number
            if follows and other.header.previous != header_digest(one.text):
                self._note(other.header.number, "does not follow the one before: they belong to two logs")

    def _note(self, number: int, what: str) -> None:
        self.breaches.append(self._breach(number, what))

    def _breach(self, number: int, what: str) -> Breach:
        return Breach(ARCHIVE, number, f"segment {number} ({name_of(number)}) {what}")
