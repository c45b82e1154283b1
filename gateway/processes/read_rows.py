"""`python -m gateway.processes.read_rows`: reads the rows of imports for the gateway. Questions on stdin, answers on stdout, in the
same order. It ends when stdin does, so it never outlives the process that started it.

It is a separate process, because reading a row costs as much as all of its HTTP, and the gateway has that time for deciding and
saving. It imports little, so that it starts at once.
"""

import gc
import signal
import sys
from typing import BinaryIO

import msgspec

from gateway.errors import Refusal
from gateway.http.rows.frames import Answer, Chunk, Rows, Settings, framed, read_frame
from gateway.http.rows.reader import RowReader
from rules.language.parse import parse
from rules.normalize import Normalizer
from rules.ruleset import RuleSet

_decode = msgspec.json.Decoder(Settings | Chunk).decode


class _Body(msgspec.Struct):
    """A request's rows under their name, for the messages about them."""

    rows: Rows


def answer_all(questions: BinaryIO, answers: BinaryIO) -> None:
    normalizer: Normalizer | None = None
    while (frame := read_frame(questions)) is not None:
        question = _decode(frame)
        if isinstance(question, Settings):
            normalizer = _normalizer(question)
        elif normalizer is not None:
            answers.write(framed(_answer(question, normalizer)))
            answers.flush()


def _normalizer(settings: Settings) -> Normalizer:
    rules = parse(settings.rules, stored=True)
    if not isinstance(rules, RuleSet):
        raise SystemExit("the rule file has problems")
    return Normalizer(rules, settings.own)


def _answer(chunk: Chunk, normalizer: Normalizer) -> Answer:
    try:
        rows = msgspec.json.decode(b'{"rows":%b}' % bytes(chunk.rows), type=_Body).rows
        return RowReader(chunk.columns, chunk.id_space, chunk.region, normalizer).read_all(rows)
    except (msgspec.DecodeError, RecursionError) as error:
        return Answer(refused=f"the body does not fit: {error}")
    except Refusal as refusal:
        return Answer(refused=str(refusal))


def main() -> None:
    for number in (
        signal.SIGINT,
        signal.SIGTERM,
    ):  # signals go to the whole group; the gateway may still have questions
        signal.signal(number, signal.SIG_IGN)
    gc.freeze()
    gc.set_threshold(50_000, 50, 50)
    answer_all(sys.stdin.buffer, sys.stdout.buffer)


if __name__ == "__main__":
    main()
