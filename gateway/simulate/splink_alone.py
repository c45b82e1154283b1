"""Splink as its own tutorial uses it, to compare with: its comparisons for names, dates, e-mails and postcodes, blocking by what
two records share, training without labels, and clusters of what is above a threshold."""

import logging
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from gateway.simulate.labelled import Labelled

THRESHOLDS = (0.5, 0.9, 0.99)
_SAMPLE = 1_000_000
_DIGITS = 9


def clusters(rows: Sequence[Labelled]) -> Mapping[float, list[frozenset[int]]]:
    """The places of the rows that are one person, for each threshold."""
    import pyarrow as pa
    import splink.comparison_library as comparisons
    from splink import DuckDBAPI, Linker, SettingsCreator, block_on

    columns = _columns(rows)
    table = pa.table({"unique_id": list(range(len(rows))), **columns})
    blocks: list[Any] = [
        block_on("email"),
        block_on("phone"),
        block_on("first", "last"),
        block_on("last", "born"),
        block_on("first", "born"),
        block_on("last", "postcode"),
    ]
    settings = SettingsCreator(
        link_type="dedupe_only",
        comparisons=[
            comparisons.ForenameSurnameComparison("first", "last"),
            comparisons.DateOfBirthComparison("born", input_is_string=True),
            comparisons.EmailComparison("email"),
            comparisons.LevenshteinAtThresholds("phone", [1, 2]),
            comparisons.ExactMatch("postcode"),
        ],
        blocking_rules_to_generate_predictions=blocks,
    )
    database: Any = DuckDBAPI()
    linker = Linker(database.register(table), settings, log_level=logging.ERROR)
    linker.training.estimate_probability_two_random_records_match(
        [block_on("email", "last"), block_on("phone", "last"), block_on("first", "last", "born")], recall=0.6
    )
    linker.training.estimate_u_using_random_sampling(max_pairs=_SAMPLE, seed=1)
    for block in (block_on("email"), block_on("phone"), block_on("first", "last")):
        linker.training.estimate_parameters_using_expectation_maximisation(block)
    pairs = linker.inference.predict(threshold_match_probability=min(THRESHOLDS))
    return {limit: _clusters(linker, pairs, limit) for limit in THRESHOLDS}


def _clusters(linker: Any, pairs: Any, limit: float) -> list[frozenset[int]]:
    found = linker.clustering.cluster_pairwise_predictions_at_threshold(pairs, limit)
    groups: dict[Any, set[int]] = {}
    for one in found.as_record_list():
        groups.setdefault(one["cluster_id"], set()).add(int(one["unique_id"]))
    return [frozenset(group) for group in groups.values()]


def _columns(rows: Iterable[Labelled]) -> Mapping[str, list[str | None]]:
    """Cleaned as one would by hand: lower case, and the last digits of numbers."""
    found: dict[str, list[str | None]] = {
        name: [] for name in ("first", "last", "born", "postcode", "email", "phone")
    }
    for row in rows:
        said = row.attributes
        digits = re.sub(r"\D", "", row.identifiers.get("mobile", ""))
        for name, text in (
            ("first", said.get("firstName", "")),
            ("last", said.get("lastName", "")),
            ("born", said.get("dateOfBirth", "")),
            ("postcode", said.get("zip", "")),
            ("email", row.identifiers.get("email", "")),
            ("phone", digits[-_DIGITS:]),
        ):
            found[name].append(text.strip().lower() or None)
    return found
