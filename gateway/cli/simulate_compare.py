"""`gateway simulate compare`: rules, rules with a search, and Splink alone, on one invented shop."""

from collections.abc import Iterator
from typing import Annotated, Any

import typer

from gateway.cli.failure import Failure
from gateway.cli.options import AsJson
from gateway.cli.output import Columns, note, print_json, print_rows, say
from gateway.cli.rule_file import PRESET_NAMES, chosen_rules
from gateway.simulate.labelled import as_labelled, read_customers
from gateway.simulate.registrations import registrations
from gateway.simulate.score import Quality, quality_of
from gateway.simulate.shapes import SHAPES
from rules.batch.partition import partition
from rules.normalize import Normalizer
from rules.policy import Policy
from rules.ruleset import RuleSet

_COLUMNS: Columns = {
    "way": "way",
    "precision": lambda row: f"{row['precision']:.3f}",
    "recall": lambda row: f"{row['recall']:.3f}",
    "F1": lambda row: f"{row['f1']:.3f}",
    "questions": "questions",
}
_MISSED: Columns = {"kind": "kind", "pairs": "pairs"}


def compare(
    shape: Annotated[str, typer.Option(help=f"The kind of shop: {', '.join(SHAPES)}.")] = "retail",
    people: Annotated[int, typer.Option(min=1, max=20_000, help="How many people it has.")] = 2_000,
    seed: Annotated[int, typer.Option(help="The same seed invents the same shop.")] = 1,
    preset: Annotated[str, typer.Option(help=f"The rules: {PRESET_NAMES}.")] = "email-or-mobile",
    json: AsJson = False,
) -> None:
    """Compare rules, rules with a search, and Splink alone on an invented shop. Needs the extra `suggest`."""
    if shape not in SHAPES:
        raise typer.BadParameter(f"{shape} is not a shape", param_hint="--shape")
    try:
        import splink  # noqa: F401  # pyright: ignore[reportUnusedImport]
    except ImportError:
        raise Failure("the extra `suggest` is not installed") from None
    ways, missed = _compared(shape, people, seed, chosen_rules(None, preset, as_json=json))
    if json:
        print_json({"ways": ways, "missed": missed})
        return
    print_rows(ways, _COLUMNS)
    say("\nPairs of one person that are still missed when the search's questions are answered")
    print_rows([{"kind": kind, "pairs": pairs} for kind, pairs in missed.items()], _MISSED)
    note(f"{shape}, {people} people, seed {seed}; all of it is invented")


def _compared(
    shape: str, people: int, seed: int, rules: RuleSet
) -> tuple[list[dict[str, Any]], dict[str, int]]:
    from gateway.simulate.searched import searched
    from gateway.simulate.splink_alone import clusters

    rows = list(as_labelled(registrations(SHAPES[shape], people, seed)))
    customers, policy = read_customers(rows, Normalizer(rules)), Policy(rules)
    attributes = customers.attributes.__getitem__ if policy.compares_attributes else None
    first = partition(customers.records, (), policy, now=customers.now, attributes=attributes)
    found = searched(customers, first, rules)

    def ways() -> Iterator[tuple[str, Quality, int]]:
        yield "rules alone", quality_of(first.groups, customers.persons), 0
        yield f"rules, and a search that merges from {rules.suggest.merge_at}", found.merged, 0
        yield (
            f"rules, and a search with its questions answered ({found.yes} yes)",
            found.answered,
            found.asked,
        )
        for limit, groups in clusters(rows).items():
            yield f"Splink alone, from {limit}", quality_of(groups, customers.persons), 0

    return [
        {"way": way, "precision": one.precision, "recall": one.recall, "f1": one.f1, "questions": asked}
        for way, one, asked in ways()
    ], dict(found.missed)
