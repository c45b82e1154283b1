"""How much each likeness of two records says, learned without answers: probabilistic linkage after Fellegi and Sunter, by Splink.

The likenesses themselves are those of the merge rules (`rules.compare`), so that a suggestion and a rule never mean two things by
one word. Splink calls them as a function of the database, counts how often unrelated records reach a level (u, by random
sampling), and estimates how often two records of one person do (m, by expectation maximisation). A level's weight is log2(m / u).
The records that have a key in common are then compared here, as long as their weights may still add up to a candidate.

Data of one shop can be too few for that, or have no duplicates to learn from. So every m begins with a usual value, and no level
says more than `_MOST`, and `different` no less than `_LEAST`: a mistyped birthday must not outweigh everything else.
"""

import contextlib
import logging
from array import array
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from math import log2
from typing import Any, NamedTuple

import duckdb
import pyarrow as pa
import splink.comparison_level_library as levels
import splink.comparison_library as comparisons
from splink import Linker, SettingsCreator, block_on
from splink.backends.duckdb import DuckDBAPI
from splink.internals.exceptions import SplinkException

from gateway.search.learning import START, Feature
from gateway.search.likeness import COLUMNS, COMPARED, DIFFERENT, EQUAL, MISSING, Compared
from gateway.search.people import Pair, People

_MOST, _LEAST = 13.0, -7.0
_SAMPLE = 100_000
_SEED = 1
_REMEMBERED = 16_384
"""A database asks for each level of some thousand pairs before it goes on to the next pairs."""
_AT_ONCE = 20_000
_MOST_AT_ONE_KEY = 60
_FEWEST = 2
_MISSING = -1
_DEAREST = "name"
_RAREST, _MOST_USUAL = 1e-9, 0.2
_CONFIG: dict[str, str | bool | int | float | list[str]] = {
    "threads": 2,
    "memory_limit": "3GB",
    "temp_directory": "",
}
"""Without a directory, nothing of anybody is written to a disk; what does not fit ends the search."""
Block = tuple[str, ...]
_ENOUGH_PAIRS = 20
_SURE: tuple[Block, ...] = (("email",), ("phone",), ("name", "birth"))
"""Two records that have these in common are mostly of one person."""
_TRUSTED = 10
"""How many times rarer than usual a level is believed to be at most."""
_FAINT = -4.0
"""Candidates with fewer bits than this are not looked at again: no answers would lift them."""
_USUAL_DUPLICATES = 0.7
"""How many records of one person agree in an e-mail, a number, or name and birthday."""


class Candidate(NamedTuple):
    record_a: int
    record_b: int
    features: tuple[Feature, ...]


class Linkage(NamedTuple):
    """`weights` are in bits; that of `START` is how rare it is that two records are one person. `candidates` are pairs of different
    profiles, and the `answered` pairs."""

    weights: dict[Feature, float]
    candidates: list[Candidate]
    answered: dict[Pair, tuple[Feature, ...]]
    compared: int


def link(people: People, answered: Collection[Pair]) -> Linkage | None:
    """Weights, and the candidates with their levels; None if there is nothing to compare. The `answered` pairs of records are
    compared whatever they have in common."""
    said = [one for one in COMPARED if any(people.columns[one.name])]
    if not said or len(people.records) < _FEWEST:
        return None
    with duckdb.connect(config=_CONFIG) as database:
        numbered = {one.name: _numbered(people.columns[one.name]) for one in COMPARED}
        for one in COMPARED:
            function = _level_of(one, numbered[one.name].texts)
            database.create_function(f"level_of_{one.name}", function, ["INTEGER", "INTEGER"], "TINYINT")
        rows = _rows(people, {name: texts.numbers for name, texts in numbered.items()})
        database.register("row", rows)
        agreeing = {block: _agreeing(database, block) for block in _SURE}
        rarity = _rarity(agreeing.values(), len(people.records))
        blocks = [block for block, pairs in agreeing.items() if pairs >= _ENOUGH_PAIRS]
        linker = _trained(DuckDBAPI(database).register(rows), lambda: _settings(said, rarity), blocks)
        weights = _weights(linker)
        return _linked(people, said, weights, answered, _meetings(database, people, answered))


def _linked(
    people: People,
    said: Sequence[Compared],
    weights: dict[Feature, float],
    answered: Collection[Pair],
    meetings: Iterable[Pair],
) -> Linkage:
    pairs: dict[Pair, tuple[Feature, ...]] = dict.fromkeys(answered, ())
    candidates: list[Candidate] = []
    compared = 0
    comparing = _Comparing(people, said, weights)
    for one, other in meetings:
        features = comparing.features(one, other)
        if features is None:
            continue
        compared += 1
        first, second = sorted((people.records[one], people.records[other]))
        if (first, second) in pairs:
            pairs[first, second] = features
        if people.profiles[one] != people.profiles[other]:
            candidates.append(Candidate(first, second, features))
    return Linkage(weights, sorted(candidates), pairs, compared)


class _Comparing:
    """Compares two records column by column, names at the end because they cost most, until what is left cannot make a candidate of
    them."""

    def __init__(self, people: People, said: Sequence[Compared], weights: Mapping[Feature, float]) -> None:
        self._weights = weights
        self._known: dict[tuple[Feature, ...], tuple[Feature, ...]] = {}
        ordered = sorted(said, key=lambda one: one.name == _DEAREST)
        most = [
            max(0.0, *(weights[one.name, level] for level in _ordered(one) if (one.name, level) in weights))
            for one in ordered
        ]
        self._steps = [
            (one.name, people.columns[one.name], one.compare, sum(most[place:]))
            for place, one in enumerate(ordered)
        ]

    def features(self, one: int, other: int) -> tuple[Feature, ...] | None:
        """What the records at two places have in common, as one tuple for all that have the same; None if too little."""
        bits = self._weights[START]
        found: list[Feature] = []
        for name, column, compare, most in self._steps:
            if bits + most < _FAINT:
                return None
            ours, theirs = column[one], column[other]
            if ours is None or theirs is None:
                continue
            level = compare(ours, theirs)
            if level != MISSING:
                feature = (name, EQUAL if ours == theirs else level)
                bits += self._weights[feature]
                found.append(feature)
        if bits < _FAINT:
            return None
        if found and found[-1][0] == _DEAREST:  # the first of `COMPARED`
            found.insert(0, found.pop())
        features = tuple(found)
        return self._known.setdefault(features, features)


class _Numbered(NamedTuple):
    """The texts of a column, and for each record the number of its text: a database compares and keeps numbers at less cost."""

    texts: list[str]
    numbers: Any


def _numbered(values: Iterable[str | None]) -> _Numbered:
    known: dict[str, int] = {}
    numbers = [None if value is None else known.setdefault(value, len(known)) for value in values]
    return _Numbered(list(known), pa.array(numbers, pa.int32()))


def _level_of(one: Compared, texts: Sequence[str]) -> Callable[[int, int], int]:
    """Returns a function from two texts, by their positions in `texts`, to the position of their level in `_ordered`, or
    `_MISSING`."""
    places = {level: place for place, level in enumerate(_ordered(one))} | {MISSING: _MISSING}

    @lru_cache(_REMEMBERED)
    def level_of(mine: int, yours: int) -> int:
        return places[one.compare(texts[mine], texts[yours])]

    return level_of


def _rows(people: People, columns: Mapping[str, Any]) -> Any:
    return pa.table({"unique_id": _int64(people.records), **columns})


def _meetings(
    database: duckdb.DuckDBPyConnection, people: People, answered: Collection[Pair]
) -> Iterator[Pair]:
    """The places of two records that have one of their keys in common, and of those that were answered. Those of one key follow
    each other, so that what was read of a name is still known when it is compared with the next."""
    wanted = {record for pair in answered for record in pair}
    places = {record: place for place, record in enumerate(people.records) if record in wanted}
    own = [sorted((places[one], places[other])) for one, other in answered]
    database.register(
        "own_pair",
        pa.table(
            {
                name: pa.array([pair[side] for pair in own], pa.int64())
                for side, name in enumerate(("one", "other"))
            }
        ),
    )
    database.register("every_key", pa.table({"place": _int64(people.key_of), "key": _int64(people.keys)}))
    found = database.execute(
        f"""
        WITH telling AS (SELECT key FROM every_key GROUP BY key HAVING count(*) BETWEEN 2 AND {_MOST_AT_ONE_KEY}),
        kept AS (SELECT place, key FROM every_key SEMI JOIN telling USING (key)),
        met AS (
          SELECT mine.place AS one, yours.place AS other, mine.key AS key
          FROM kept AS mine JOIN kept AS yours ON mine.key = yours.key AND mine.place < yours.place
          UNION ALL SELECT one, other, 0 FROM own_pair
        )
        SELECT one, other FROM met GROUP BY one, other ORDER BY min(key), one, other
        """
    )
    while batch := found.fetchmany(_AT_ONCE):
        yield from batch


def _int64(numbers: "array[int]") -> Any:
    """Without a copy."""
    return pa.Array.from_buffers(pa.int64(), len(numbers), [None, pa.py_buffer(numbers)])


def _agreeing(database: duckdb.DuckDBPyConnection, block: Block) -> int:
    """How many pairs of records agree in these columns, where few do."""
    columns = ", ".join(block)
    [(pairs,)] = database.execute(
        f"""
        SELECT coalesce(sum(size * (size - 1) / 2), 0) FROM (
          SELECT count(*) AS size FROM row WHERE {" AND ".join(f"{name} IS NOT NULL" for name in block)} GROUP BY {columns}
        ) WHERE size BETWEEN 2 AND {_MOST_AT_ONE_KEY}
        """
    ).fetchall()
    return int(pairs)


def _rarity(agreeing: Iterable[int], size: int) -> float:
    """How likely two of so many records are one person, within sensible bounds."""
    return max(_RAREST, min(_MOST_USUAL, max(agreeing) / _USUAL_DUPLICATES / (size * (size - 1) / 2)))


def _settings(said: Sequence[Compared], rarity: float) -> SettingsCreator:
    return SettingsCreator(
        link_type="dedupe_only",
        comparisons=[_comparison(one) for one in said],
        blocking_rules_to_generate_predictions=[],
        probability_two_random_records_match=rarity,
    )


def _comparison(one: Compared) -> comparisons.CustomComparison:
    column = one.name
    level_of = f"level_of_{column}({column}_l, {column}_r)"
    conditions = {level: f"{level_of} = {place}" for place, level in enumerate(_ordered(one))}
    conditions[DIFFERENT] = f"{column}_l <> {column}_r AND {conditions[DIFFERENT]}"
    conditions[EQUAL] = f"{column}_l = {column}_r OR {conditions[EQUAL]}"
    last, _ = conditions.popitem()
    told = [
        levels.CustomLevel(condition, level).configure(m_probability=one.usual[level].same)
        for level, condition in conditions.items()
    ]
    missing = levels.CustomLevel(
        f"{column}_l IS NULL OR {column}_r IS NULL OR {level_of} = {_MISSING}", MISSING
    )
    rest = levels.ElseLevel().configure(label_for_charts=last, m_probability=one.usual[last].same)
    return comparisons.CustomComparison([missing.configure(is_null_level=True), *told, rest], column)


def _ordered(one: Compared) -> list[str]:
    """The levels as they are asked for, each by a call of the function: first what most pairs are."""
    return [DIFFERENT, EQUAL, *one.between]


def _trained(table: Any, settings: Callable[[], SettingsCreator], blocks: Sequence[Block]) -> Linker:
    """A linker that has learned what these data can teach. A training that fails leaves its linker without some of the comparisons,
    so a new one tries with less; what was not learned keeps its usual value."""
    for learned_by in (blocks, ()):
        linker = Linker(table, settings(), log_level=logging.ERROR)
        with contextlib.suppress(SplinkException, ValueError):
            linker.training.estimate_u_using_random_sampling(max_pairs=_SAMPLE, seed=_SEED)
            for block in learned_by:
                linker.training.estimate_parameters_using_expectation_maximisation(
                    block_on(*block),
                    record_sample_proportion=1.0,
                    max_pairs=_SAMPLE,
                    estimate_without_term_frequencies=True,
                )
            return linker
    return Linker(table, settings(), log_level=logging.ERROR)


def _weights(linker: Linker) -> dict[Feature, float]:
    model = linker.misc.save_model_to_json()
    rarity = model["probability_two_random_records_match"]
    found: dict[Feature, float] = {START: log2(rarity / (1 - rarity))}
    for one in model["comparisons"]:
        name = one["output_column_name"]
        for level in sorted(one["comparison_levels"], key=lambda level: level["label_for_charts"] != EQUAL):
            label = level["label_for_charts"]
            if label == MISSING:
                continue
            usual = COLUMNS[name].usual[label]
            same = _believed(level.get("m_probability"), usual.same)
            unrelated = _believed(level.get("u_probability"), usual.unrelated)
            bits = max(_LEAST, min(_MOST, log2(same / unrelated)))
            found[name, label] = min(bits, found.get((name, EQUAL), bits))
    return found


def _believed(measured: float | None, usual: float) -> float:
    """Few data show nothing of a rare level, which is not to say that it cannot be."""
    return usual if measured is None else max(usual / _TRUSTED, measured)
