"""`gateway simulate`: invented customers, and how well rules find the persons behind them. It needs no gateway and no database."""

from pathlib import Path
from typing import Annotated, Any

import typer

from gateway.cli.failure import Failure
from gateway.cli.import_options import Encoding, Format, Map, MappingFile
from gateway.cli.labelled_files import Labels, read_labelled
from gateway.cli.options import AsJson, group
from gateway.cli.output import Columns, note, print_json, print_rows, say
from gateway.cli.rule_file import PRESET_NAMES, chosen_rules
from gateway.cli.simulate_compare import compare
from gateway.cli.simulate_years import years
from gateway.simulate.files import TRUTH, write_shop
from gateway.simulate.registrations import HOME, registrations
from gateway.simulate.score import Quality, Score, score
from gateway.simulate.shapes import SHAPES

app = group("Invent customers, and score rules with them.")
app.command()(years)
app.command()(compare)
_SHAPES = ", ".join(SHAPES)
_FIGURES: Columns = {"what": "what", "figure": "figure"}
_MISSED: Columns = {"kind": "kind", "pairs": "pairs"}


@app.command()
def shop(
    directory: Annotated[Path, typer.Argument(help="Where the files go; it is created if it is missing.")],
    shape: Annotated[str, typer.Option(help=f"The kind of shop: {_SHAPES}.")] = "retail",
    people: Annotated[int, typer.Option(min=1, max=1_000_000, help="How many people it has.")] = 2_000,
    seed: Annotated[int, typer.Option(help="The same seed invents the same shop.")] = 1,
) -> None:
    """Write the customers of an invented shop: a file for each channel, as `gateway import` reads them, and the truth."""
    if shape not in SHAPES:
        raise typer.BadParameter(f"{shape} is not a shape; known: {_SHAPES}", param_hint="--shape")
    rows = registrations(SHAPES[shape], people, seed)
    about = f"{SHAPES[shape].title}: {people} people, seed {seed}"
    files = write_shop(directory, rows, SHAPES[shape], about)
    say(f"{len(rows)} customers of {people} people in {', '.join(file.name for file in files)}")
    note(f"all of them are invented; who is who: {directory / TRUTH}")


@app.command("score")
def score_(
    places: Annotated[
        list[Path],
        typer.Argument(metavar="PLACE...", help="Files of customers, or the directory of an invented shop."),
    ],
    rules: Annotated[Path | None, typer.Option(help="The rule file.")] = None,
    preset: Annotated[str, typer.Option(help=f"Instead of a rule file: {PRESET_NAMES}.")] = "email-or-mobile",
    person: Annotated[str, typer.Option(metavar="COLUMN", help="The label of each person.")] = "person",
    channel: Annotated[
        str,
        typer.Option(metavar="COLUMN", help="The channel of each customer id; the file's name unless given."),
    ] = "",
    truth: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="CSV with channel, customer_id and person, instead of --person."),
    ] = None,
    region: Annotated[str, typer.Option(help="The region of national numbers.")] = HOME,
    format: Format = "",  # noqa: A002 - the option's name
    map: Map = None,  # noqa: A002
    mapping: MappingFile = None,
    encoding: Encoding = "",
    json: AsJson = False,
) -> None:
    """Say how well rules find the persons of labelled customers: precision, recall, questions, and what is missed."""
    chosen = chosen_rules(rules, preset, as_json=json)
    labels = Labels(person, channel, truth, region, format, tuple(map or ()), mapping, encoding)
    rows, unread = read_labelled(places, labels, list(chosen.identifiers))
    if not rows:
        raise Failure("these files have no customers; check the columns with --map, and --person or --truth")
    if unread:
        note(f"lines that could not be read: {unread}")
    found = score(rows, chosen)
    if json:
        print_json(_document(found))
    else:
        _print(found)


def _document(found: Score) -> dict[str, Any]:
    return {
        "rows": found.rows,
        "persons": found.persons,
        "profiles": found.profiles,
        "largest": found.largest,
        "unattended": _quality(found.unattended),
        "questions": found.questions,
        "questions_per_100_rows": round(found.per_hundred, 2),
        "questions_yes": found.yes,
        "asked_in_all": found.asked,
        "answered": _quality(found.answered),
        "missed": found.missed,
    }


def _quality(found: Quality) -> dict[str, float]:
    return {
        "precision": round(found.precision, 4),
        "recall": round(found.recall, 4),
        "f1": round(found.f1, 4),
    }


def _print(found: Score) -> None:
    figures = {
        "customers": found.rows,
        "persons": found.persons,
        "profiles": found.profiles,
        "customers on the largest profile": found.largest,
        "precision": f"{found.unattended.precision:.3f}",
        "recall": f"{found.unattended.recall:.3f}",
        "F1": f"{found.unattended.f1:.3f}",
        "questions": found.questions,
        "questions for 100 customers": f"{found.per_hundred:.1f}",
        "of them to be answered yes": f"{found.yes_share:.0%}",
        "questions until none is left": found.asked,
        "precision when all are answered": f"{found.answered.precision:.3f}",
        "recall when all are answered": f"{found.answered.recall:.3f}",
        "F1 when all are answered": f"{found.answered.f1:.3f}",
    }
    print_rows([{"what": what, "figure": figure} for what, figure in figures.items()], _FIGURES)
    if found.missed:
        say("\nPairs of one person that were missed")
        print_rows([{"kind": kind, "pairs": pairs} for kind, pairs in found.missed.items()], _MISSED)
