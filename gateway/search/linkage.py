"""How much each likeness of two records says, learned without answers: probabilistic linkage after Fellegi and Sunter, by Splink.

The likenesses themselves are those of the merge rules (`rules.compare`), so that a suggestion and a rule never mean two things by
one word. Splink calls them as a function of the database, counts how often unrelated records reach a level (u, by random
sampling), and estimates how often two records of one person do (m, by expectation maximisation). A level's weight is log2(m / u).

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
_REMEMBERED = 500_000
_AT_ONCE = 20_000
_MOST_AT_ONE_KEY = 60
_FEWEST = 2
_MISSING = -1
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
        columns = {name: texts.numbers for name, texts in numbered.items()}
        table = DuckDBAPI(database).register(_table(database, people, columns, answered))
        agreeing = {block: _agreeing(database, block) for block in _SURE}
        rarity = _rarity(agreeing.values(), len(people.records))
        blocks = [block for block, pairs in agreeing.items() if pairs >= _ENOUGH_PAIRS]
        linker = _trained(table, lambda: _settings(said, rarity), blocks)
        weights = _weights(linker)
        found = linker.inference.predict(threshold_match_weight=_FAINT).physical_name
        [[compared]] = database.sql(f"SELECT count(*) FROM {found}").fetchall()
        pairs: dict[Pair, tuple[Feature, ...]] = dict.fromkeys(answered, ())
        candidates: list[Candidate] = []
        for candidate, same_profile in _candidates(database, found, said):
            pair = candidate.record_a, candidate.record_b
            if pair in pairs:
                pairs[pair] = candidate.features
            if not same_profile:
                candidates.append(candidate)
        return Linkage(weights, candidates, pairs, compared)


class _Numbered(NamedTuple):
    """The texts of a column, and for each record the number of its text: a database compares and keeps numbers at less cost."""

    texts: list[str]
    numbers: Any


def _numbered(values: Iterable[str | None]) -> _Numbered:
    known: dict[str, int] = {}
    numbers = [None if value is None else known.setdefault(value, len(known)) for value in values]
    return _Numbered(list(known), pa.array(numbers, pa.int32()))


def _level_of(one: Compared, texts: Sequence[str]) -> Callable[[int, int], int]:
    """Of two texts, the place of their level in `_ordered`, or `_MISSING`."""
    places = {level: place for place, level in enumerate(_ordered(one))} | {MISSING: _MISSING}

    @lru_cache(_REMEMBERED)
    def level_of(mine: int, yours: int) -> int:
        return places[one.compare(texts[mine], texts[yours])]

    return level_of


def _table(
    database: duckdb.DuckDBPyConnection,
    people: People,
    columns: Mapping[str, Any],
    answered: Collection[Pair],
) -> Any:
    """One row a record. Two records are compared if they have one of their keys in common. A pair that was answered has a key of
    its own."""
    keys = pa.table({"record": _int64(people.key_of), "key": _int64(people.keys)})
    pairs = [(record, -number) for number, pair in enumerate(answered, 1) for record in pair]
    own = pa.table(
        {
            "record": pa.array([record for record, _ in pairs], pa.int64()),
            "key": pa.array([key for _, key in pairs], pa.int64()),
        }
    )
    rows = pa.table(
        {
            "unique_id": _int64(people.records),
            "profile": _int64(people.profiles),
            **columns,
        }
    )
    database.register("every_key", keys)
    database.register("own_key", own)
    database.register("row", rows)
    return database.sql(
        f"""
        WITH telling AS (SELECT key FROM every_key GROUP BY key HAVING count(*) BETWEEN 2 AND {_MOST_AT_ONE_KEY}),
        kept AS (
          SELECT record, key FROM every_key SEMI JOIN telling USING (key) UNION ALL SELECT record, key FROM own_key
        ),
        grouped AS (SELECT record, list(key) AS keys FROM kept GROUP BY record)
        SELECT row.*, grouped.keys FROM row LEFT JOIN grouped ON grouped.record = row.unique_id
        """
    ).to_arrow_table()


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
        blocking_rules_to_generate_predictions=[block_on("keys", arrays_to_explode=["keys"])],
        additional_columns_to_retain=["profile"],
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
                    block_on(*block), record_sample_proportion=1.0, max_pairs=_SAMPLE
                )
            return linker
    return Linker(table, settings(), log_level=logging.ERROR)


def _weights(linker: Linker) -> dict[Feature, float]:
    model = linker.misc.save_model_to_json()
    rarity = model["probability_two_random_records_match"]
    found: dict[Feature, float] = {START: log2(rarity / (1 - rarity))}
    for one in model["comparisons"]:
        name = one["output_column_name"]
        for level in one["comparison_levels"]:
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


def _candidates(
    database: duckdb.DuckDBPyConnection, table: str, said: Sequence[Compared]
) -> Iterator[tuple[Candidate, bool]]:
    """Each with its levels, and whether the two are on one profile. Splink counts the levels of a column down to 0. There are many
    candidates and few combinations of levels, so candidates share these."""
    by_number = {one.name: dict(enumerate(reversed(_ordered(one)))) for one in said}
    columns = ", ".join(f"gamma_{name}" for name in by_number)
    rows = database.execute(
        f"""
        SELECT least(unique_id_l, unique_id_r), greatest(unique_id_l, unique_id_r), profile_l = profile_r, {columns}
        FROM {table} ORDER BY 1, 2
        """
    )
    known: dict[tuple[int, ...], tuple[Feature, ...]] = {}
    while batch := rows.fetchmany(_AT_ONCE):
        for one, other, same_profile, *found in batch:
            numbers = tuple(found)
            features = known.get(numbers)
            if features is None:
                features = known[numbers] = tuple(
                    (name, label)
                    for (name, labels), number in zip(by_number.items(), numbers, strict=True)
                    if (label := labels.get(number))
                )
            yield Candidate(one, other, features), same_profile
