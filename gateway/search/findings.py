"""One search over a snapshot: which pairs of records are worth a person's minute.

Two ways lead to a question. The model is certain enough (`linkage.py`, `learning.py`). Or two identifiers are almost the same and
the names are near, which needs no model (`gateway.search.near`).
"""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from hashlib import sha256
from itertools import product
from typing import NamedTuple

import msgspec

from gateway.model import NEAR, SUGGESTED, Comparison, is_of_a_search
from gateway.search.learning import START, Answer, Feature, learned, probability
from gateway.search.likeness import BETWEEN_VALUES, COLUMNS, DIFFERENT, EQUAL, MISSING, is_worth_asking
from gateway.search.near import near_pairs
from gateway.search.people import Pair, People, read, unpacked
from gateway.search.settled import Settled
from gateway.store.snapshot import Snapshot
from gateway.workers.searching import Findings, FoundPair, Progress
from rules.policy import Policy
from rules.record import Judgement, Pin, Profile
from rules.ruleset import RuleSet
from rules.score_merge import what_keeps_apart

MOST_FOUND = 5_000
MOST_MERGED = 50_000
ANY_TWO = ("two_records", "any")
"""How the weight that every pair has is shown."""
_MOST_HOLDERS = 5
"""A value that more records hold belongs to no one person."""
_NEAR_NAMES = frozenset((EQUAL, "similar", "near", "compatible"))

Tell = Callable[[Progress], None]
Levels = Mapping[str, str]


class Scored(NamedTuple):
    levels: Levels
    bits: float | None
    """None without a model."""


def search(state: Snapshot, rules: RuleSet, now: int, tell: Tell) -> Findings:
    tell(Progress("reading"))
    return find(read(state, rules), state, rules, now, tell)


def find(people: People, state: Snapshot, rules: RuleSet, now: int, tell: Tell) -> Findings:
    """`state.records` were read already."""
    tell(Progress("near values", records=len(people.records)))
    near = dict(_near(people)) if rules.suggest.near else {}
    said = _answers(state)
    tell(Progress("comparing", records=len(people.records), candidates=len(near)))
    model = _Model.of(people, near, said)
    tell(Progress("sorting", candidates=model.compared))
    choice = _Choice(state, rules, people, near, model)
    chosen = choice.chosen()
    merges, asked = _Merging(state, rules, people, choice.points, now).sort(chosen)
    weights = model.weights
    return Findings(
        records=len(people.records),
        candidates=model.compared,
        found=len(chosen),
        labels=model.labels,
        has_extra=model.has_extra,
        model=_digest(weights) if weights else "",
        data=people.digest,
        weights=_shown(weights),
        pairs=asked[:MOST_FOUND],
        merges=merges[:MOST_MERGED],
    )


# ---- near values ----


def _near(people: People) -> Iterator[tuple[Pair, str]]:
    """Pairs of records with near values and near names, and which column is near."""
    for column in ("email", "phone"):
        kind = "email" if column == "email" else "phone"
        holders: dict[str, list[int]] = {}
        for place, values in enumerate(people.columns[column]):
            for value in values.split(BETWEEN_VALUES) if values else ():
                holders.setdefault(value, []).append(place)
        few = [value for value, places in holders.items() if len(places) <= _MOST_HOLDERS]
        for found in near_pairs(kind, few):
            for one, other in product(holders[few[found.one]], holders[few[found.other]]):
                if people.profiles[one] != people.profiles[other] and _have_near_names(people, one, other):
                    pair = people.records[one], people.records[other]
                    yield (min(pair), max(pair)), column


def _have_near_names(people: People, one: int, other: int) -> bool:
    """Whether both have a name, these are near, and nothing else says that they are two people."""
    birth = _level(people, "birth", one, other)
    if birth == DIFFERENT:
        return False
    name = _level(people, "name", one, other)
    return name in _NEAR_NAMES and is_worth_asking({"name": name, "birth": birth})


def _level(people: People, column: str, one: int, other: int) -> str:
    ours, theirs = people.columns[column][one], people.columns[column][other]
    if ours is None or theirs is None:
        return MISSING
    return EQUAL if ours == theirs else COLUMNS[column].compare(ours, theirs)


# ---- the model ----


def _answers(state: Snapshot) -> dict[Pair, bool]:
    """What people said about pairs of records: by a pin, or by answering a suggestion."""
    pins = [pin for pin in state.pins if isinstance(pin, Pin)]
    said = {
        pair: pin.kind == "must"
        for pin in pins[-MOST_FOUND:]
        if (pair := (pin.record_a, pin.record_b)) not in state.scored
    }
    return said | {(one.record_a, one.record_b): one.is_same for one in state.answers}


class _Model(NamedTuple):
    """`weights` are empty without the packages of the extra `suggest`."""

    weights: dict[Feature, float]
    scored: dict[Pair, Scored]
    labels: int
    compared: int
    has_extra: bool = True

    @classmethod
    def of(cls, people: People, near: Collection[Pair], said: Mapping[Pair, bool]) -> "_Model":
        try:
            from gateway.search.linkage import link
        except ImportError:
            return cls({}, _unscored(people, near), 0, len(set(near)), has_extra=False)
        there = set(people.records)
        asked = sorted({*near, *said})
        found = link(people, [pair for pair in asked if there.issuperset(pair)])
        if found is None:
            return cls({}, _unscored(people, near), 0, len(set(near)))
        answers = [
            Answer(features, said[pair])
            for pair, features in sorted(found.answered.items())
            if features and pair in said
        ]
        weights = learned(found.weights, answers)
        known = {
            features: Scored(dict(features), _bits(weights, features))
            for features in {one.features for one in found.candidates}
        }
        scored = {(one.record_a, one.record_b): known[one.features] for one in found.candidates}
        for pair, unscored in _unscored(people, [one for one in near if one not in scored]).items():
            reached = [one for one in unscored.levels.items() if one in weights]
            scored[pair] = Scored(unscored.levels, _bits(weights, reached))
        return cls(weights, scored, len(answers), found.compared)


def _bits(weights: Mapping[Feature, float], features: Iterable[Feature]) -> float:
    return weights[START] + sum(weights[one] for one in features)


def _unscored(people: People, near: Iterable[Pair]) -> dict[Pair, Scored]:
    places = {record: place for place, record in enumerate(people.records)}
    return {
        pair: Scored(
            {name: _level(people, name, *(places[record] for record in pair)) for name in COLUMNS}, None
        )
        for pair in near
    }


# ---- what is asked, and what is merged ----


class _Chosen(NamedTuple):
    """The most certain pair of records of two profiles. `certainty` is not rounded."""

    found: FoundPair
    homes: Pair
    certainty: float


class _Choice:
    """Chooses the most certain pair of records between any two profiles, unless these are asked about already or pinned apart."""

    def __init__(
        self, state: Snapshot, rules: RuleSet, people: People, near: Mapping[Pair, str], model: _Model
    ) -> None:
        self._state, self._near, self._model = state, near, model
        self._least = rules.suggest.certainty / 100
        self._merges = rules.suggest.outcome == "merge"
        self._homes = dict(zip(people.records, people.profiles, strict=True))
        self.points: dict[int, int] = {}
        for record, points in state.balances.items():
            home = self._homes.get(record, 0)
            self.points[home] = self.points.get(home, 0) + points

    def chosen(self) -> list[_Chosen]:
        best: dict[Pair, _Chosen] = {}
        compared: dict[Pair, int] = {}
        settled = Settled(self._state, self._homes, self._asked())
        for pair, scored in self._model.scored.items():
            homes = self._sides(pair)
            if settled.has(homes) or not is_worth_asking(scored.levels):
                continue
            one = self._chosen(pair, homes, scored)
            if one is None:
                continue
            compared[homes] = compared.get(homes, 0) + 1
            if homes not in best or _order(one) < _order(best[homes]):
                best[homes] = one
        for homes, one in best.items():
            one.found.others = compared[homes] - 1
        return sorted(best.values(), key=_order)

    def _asked(self) -> list[Pair]:
        """Where a score may merge, it may answer the question of an earlier search."""
        return [
            homes
            for homes, reason in self._state.asked.items()
            if not (self._merges and is_of_a_search(reason))
        ]

    def _sides(self, pair: Pair) -> Pair:
        one, other = (self._homes.get(record, 0) for record in pair)
        return min(one, other), max(one, other)

    def _chosen(self, pair: Pair, homes: Pair, scored: Scored) -> _Chosen | None:
        certainty = 0.0 if scored.bits is None else probability(scored.bits)
        if scored.bits is not None and certainty >= self._least:
            reason = SUGGESTED
        elif pair in self._near:
            reason = f"{NEAR}{self._near[pair]}"
        else:
            return None
        weights = self._model.weights
        start = [Comparison(*ANY_TWO, round(1_000 * weights[START]))] if weights else []
        comparisons = [
            Comparison(what, level, round(1_000 * weights.get((what, level), 0.0)))
            for what, level in scored.levels.items()
            if level != MISSING
        ]
        points = min(abs(self.points.get(home, 0)) for home in homes)
        found = FoundPair(*pair, reason, round(10_000 * certainty), points, start + comparisons)
        return _Chosen(found, homes, certainty)


class _Merging:
    """Which pairs a search joins: one after the other, the most certain first, as the gateway carries it out. So what is told
    before is what happens (I21)."""

    def __init__(
        self, state: Snapshot, rules: RuleSet, people: People, points: Mapping[int, int], now: int
    ) -> None:
        self._state, self._people, self._now = state, people, now
        self._policy, self._suggest = Policy(rules), rules.suggest
        self._points = dict(points)
        self._profiles: dict[int, Profile] = {}
        self._sizes = Counter(people.profiles)
        self._home: dict[int, int] = {}
        self._pins: dict[int, list[Judgement]] = {}
        for pin in state.pins:
            for record_id in pin.records:
                self._pins.setdefault(record_id, []).append(pin)
        self._asked: dict[int, set[int]] = {}
        for homes, reason in state.asked.items():
            if not is_of_a_search(reason):
                for one, other in (homes, homes[::-1]):
                    self._asked.setdefault(one, set()).add(other)

    def sort(self, chosen: Sequence[_Chosen]) -> tuple[list[FoundPair], list[FoundPair]]:
        """What is merged, the most certain first; and what is asked then, beginning where most is to be gained."""
        certain = [
            one
            for one in chosen
            if self._suggest.outcome == "merge" and one.certainty >= self._suggest.merge_at
        ]
        self._load({home for one in certain for home in one.homes})
        merged = [one for one in certain if self._joins(one)]
        known = {id(one) for one in merged}
        homes_of = dict(zip(self._people.records, self._people.profiles, strict=True))
        settled = Settled(self._state, homes_of, self._state.asked)
        settled.merge(self._root)
        asked: dict[Pair, _Chosen] = {}
        for one in chosen:
            homes = self._now_homes(one)
            if id(one) not in known and homes[0] != homes[1] and not settled.has(homes):
                asked.setdefault(homes, one)
        by_gain = sorted(asked, key=lambda homes: self._gain(homes, asked[homes]), reverse=True)
        return [one.found for one in merged], [asked[homes].found for homes in by_gain]

    def _gain(self, homes: Pair, one: _Chosen) -> float:
        """How many pairs of records an answer may be expected to join."""
        return one.certainty * self._sizes[homes[0]] * self._sizes[homes[1]]

    def _load(self, homes: Collection[int]) -> None:
        for place, home in enumerate(self._people.profiles if homes else ()):
            if home in homes:
                record = unpacked(self._people.stored[place], home)
                profile = self._profiles.setdefault(home, Profile(home, record.created_at))
                profile.records[record.record_id] = record
                profile.created_at = min(profile.created_at, record.created_at)

    def _joins(self, one: _Chosen) -> bool:
        stays, goes = self._now_homes(one)
        if stays == goes or self._is_asked(stays, goes):
            return False
        kept, gone = self._profiles[stays], self._profiles[goes]
        pins = [
            pin
            for side in (kept, gone)
            for record_id in side.records
            for pin in self._pins.get(record_id, ())
        ]
        stopped = what_keeps_apart(
            kept,
            gone,
            self._policy,
            pins=pins,
            balances=(self._points.get(stays, 0), self._points.get(goes, 0)),
            attributes=lambda record_id: self._state.attributes.get(record_id, {}),
            now=self._now,
        )
        if stopped:
            return False
        kept.records |= gone.records
        kept.created_at = min(kept.created_at, gone.created_at)
        self._points[stays] = self._points.get(stays, 0) + self._points.get(goes, 0)
        self._home[goes] = stays
        self._sizes[stays] += self._sizes.pop(goes)
        self._asked.setdefault(stays, set()).update(self._asked.pop(goes, ()))
        return True

    def _is_asked(self, one: int, other: int) -> bool:
        """Whether a rule asks about two that are on these profiles by now."""
        return any(self._root(home) == other for home in self._asked.get(one, ())) or any(
            self._root(home) == one for home in self._asked.get(other, ())
        )

    def _now_homes(self, one: _Chosen) -> Pair:
        homes = [self._root(home) for home in one.homes]
        return min(homes), max(homes)

    def _root(self, home: int) -> int:
        while home in self._home:
            home = self._home[home]
        return home


def _order(one: _Chosen) -> tuple[int, int, int, int]:
    found = one.found
    return -found.certainty, -found.points, found.record_a, found.record_b


def _shown(weights: Mapping[Feature, float]) -> dict[str, dict[str, int]]:
    """In thousandths of a bit."""
    shown: dict[str, dict[str, int]] = {}
    for (what, level), bits in weights.items():
        named, reached = (what, level) if what else ANY_TWO
        shown.setdefault(named, {})[reached] = round(1_000 * bits)
    return shown


def _digest(weights: Mapping[Feature, float]) -> str:
    return sha256(msgspec.json.encode(_shown(weights), order="sorted")).hexdigest()
