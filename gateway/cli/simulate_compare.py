"""`gateway simulate compare`: rules, rules with a search, and Splink alone, on invented shops."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any, NamedTuple

import typer

from gateway.cli.failure import Failure
from gateway.cli.options import AsJson
from gateway.cli.output import Columns, note, print_json, print_rows, say
from gateway.cli.rule_file import PRESET_NAMES, chosen_rules
from gateway.simulate.labelled import as_labelled, read_customers
from gateway.simulate.registrations import registrations
from gateway.simulate.score import Quality, quality_of, score
from gateway.simulate.shapes import SHAPES
from rules.normalize import Normalizer
from rules.ruleset import RuleSet

_COLUMNS: Columns = {
    "way": "way",
    "precision": lambda row: f"{row['precision']:.3f}",
    "recall": lambda row: f"{row['recall']:.3f}",
    "F1": lambda row: f"{row['f1']:.3f}",
    "questions": "questions",
    "for 100 customers": lambda row: f"{row['questions_per_100_rows']:.1f}",
    "yes": lambda row: f"{row['questions_yes'] / row['questions']:.0%}" if row["questions"] else "",
}
_MISSED: Columns = {"kind": "kind", "pairs": "pairs"}


class _Way(NamedTuple):
    """What one way made of one shop. `missed` are the pairs of one person that it leaves apart, by kind."""

    name: str
    quality: Quality
    asked: int = 0
    yes: int = 0
    missed: Mapping[str, int] = MappingProxyType({})


class _Shop(NamedTuple):
    rows: int
    ways: Sequence[_Way]


def compare(
    shape: Annotated[str, typer.Option(help=f"The kind of shop: {', '.join(SHAPES)}.")] = "retail",
    people: Annotated[int, typer.Option(min=1, max=20_000, help="How many people it has.")] = 2_000,
    seed: Annotated[
        list[int] | None, typer.Option(help="The same seed invents the same shop; several are added up.")
    ] = None,
    rules: Annotated[Path | None, typer.Option(help="The rule file.")] = None,
    preset: Annotated[str, typer.Option(help=f"Instead of a rule file: {PRESET_NAMES}.")] = "email-or-mobile",
    questions: Annotated[
        float,
        typer.Option(min=0, max=100, help="With few questions answered: how many answers for 100 customers."),
    ] = 5,
    json: AsJson = False,
) -> None:
    """Compare rules, rules with a search, and Splink alone on an invented shop. Needs the extra `suggest`."""
    if shape not in SHAPES:
        raise typer.BadParameter(f"{shape} is not a shape", param_hint="--shape")
    try:
        import splink  # noqa: F401  # pyright: ignore[reportUnusedImport]
    except ImportError:
        raise Failure("the extra `suggest` is not installed") from None
    chosen, seeds = chosen_rules(rules, preset, as_json=json), seed or [1]
    shops = [_compared(shape, people, one, chosen, questions) for one in seeds]
    ways = list(_added_up(shops))
    if json:
        print_json({"rows": sum(one.rows for one in shops), "ways": ways})
        return
    print_rows(ways, _COLUMNS)
    answered = next(way for way in reversed(ways) if way["missed"])
    say("\nPairs of one person that are still missed when all questions are answered")
    print_rows([{"kind": kind, "pairs": pairs} for kind, pairs in answered["missed"].items()], _MISSED)
    shown = ", ".join(map(str, seeds))
    rows = sum(one.rows for one in shops)
    note(f"{shape}, {people} people, seed {shown}: {rows} customers; all of it is invented")


def _compared(shape: str, people: int, seed: int, rules: RuleSet, questions: float) -> _Shop:
    from gateway.simulate.searched import Searched, unattended, with_all_answers, with_few_answers
    from gateway.simulate.splink_alone import clusters

    rows = list(as_labelled(registrations(SHAPES[shape], people, seed)))
    customers = read_customers(rows, Normalizer(rules))
    merging = f"rules, and a search that merges from {rules.suggest.merge_at}"

    def told(name: str, found: Searched) -> _Way:
        return _Way(name, found.quality, found.asked, found.yes, found.missed)

    def ways() -> Iterator[_Way]:
        alone = score(rows, rules)
        yield _Way("rules alone", alone.unattended)
        yield told(merging, unattended(customers, rules))
        yield told(f"{merging}; few questions", with_few_answers(customers, rules, questions))
        yield told("rules, and a search that only asks", with_all_answers(customers, rules))
        for limit, groups in clusters(rows).items():
            yield _Way(f"Splink alone, from {limit}", quality_of(groups, customers.persons))

    return _Shop(len(customers.records), list(ways()))


def _added_up(shops: Sequence[_Shop]) -> Iterator[dict[str, Any]]:
    """Each way, over all shops."""
    rows = sum(shop.rows for shop in shops)
    for found in zip(*(shop.ways for shop in shops), strict=True):
        quality = Quality(*map(sum, zip(*(one.quality for one in found), strict=True)))
        asked = sum(one.asked for one in found)
        missed = Counter[str]()
        for one in found:
            missed.update(one.missed)
        yield {
            "way": found[0].name,
            "precision": round(quality.precision, 4),
            "recall": round(quality.recall, 4),
            "f1": round(quality.f1, 4),
            "questions": asked,
            "questions_per_100_rows": round(100 * asked / rows, 2),
            "questions_yes": sum(one.yes for one in found),
            "missed": dict(missed.most_common()),
        }
