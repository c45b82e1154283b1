"""`gateway simulate years`: a national retailer over years, decided by the rules alone."""

import resource
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any

import typer

from gateway.cli.options import AsJson
from gateway.cli.output import Columns, note, print_json, print_rows
from gateway.cli.progress import progress_bar
from gateway.cli.rule_file import chosen_rules
from gateway.simulate.years import Scenario, Simulated, Year, districts, simulated

_YEARS: Columns = {
    "year": "year",
    "customers": "customers",
    "records": "records",
    "profiles": "profiles",
    "merges": "merges",
    "wrong": "wrong",
    "missed": "missed",
    "questions a day": lambda row: f"{row['questions_a_day']:.1f}",
    "busiest day": "busiest_day",
    "to be answered yes": lambda row: f"{row['yes']}/{row['questions']}",
    "generic values": "generic",
    "largest": "largest",
}


def years(
    customers: Annotated[
        int, typer.Option(min=1, max=20_000_000, help="How many there are at the end.")
    ] = 100_000,
    years: Annotated[int, typer.Option(min=1, max=50)] = 10,
    seed: Annotated[int, typer.Option(help="The same seed gives the same years.")] = 1,
    rules: Annotated[Path | None, typer.Option(help="The rule file.")] = None,
    preset: Annotated[str, typer.Option(help="Instead of a rule file.")] = "email-or-mobile",
    processes: Annotated[int, typer.Option(min=1, max=64, help="How many processes work in parallel.")] = 1,
    json: AsJson = False,
) -> None:
    """Simulate a national retailer with four channels, seasons, family phones and numbers that change hands: merges, wrong
    merges, questions and generic values, year by year."""
    text = chosen_rules(rules, preset, as_json=json).text
    scenario = Scenario(text, customers, years, seed)
    total: Simulated | None = None
    with progress_bar() as bar:
        task = bar.add_task("districts", total=len(districts(customers)))
        for one in simulated(scenario, processes):
            if total is None:
                total = one
            else:
                total.add(one)
            bar.advance(task)
    assert total is not None  # noqa: S101 - there is at least one district
    rows = [_row(number, before, year) for number, (before, year) in enumerate(_with_before(total.years), 1)]
    cost = _cost(total)
    if json:
        print_json({"years": rows, "cost": cost})
        return
    print_rows(rows, _YEARS)
    note(
        f"{cost['records_a_second']:,.0f} records a second of CPU were decided, and {cost['invented_a_second']:,.0f} invented;"
        f" {cost['peak_mib']} MiB at most in one process"
    )


def _with_before(years: Sequence[Year]) -> Sequence[tuple[Year, Year]]:
    return list(pairwise([Year(), *years]))


def _row(number: int, before: Year, year: Year) -> dict[str, Any]:
    """What happened in the year, and what is there at its end."""
    return {
        "year": number,
        "customers": year.customers,
        "records": year.records,
        "profiles": year.profiles,
        "merges": year.merges - before.merges,
        "wrong": year.wrong - before.wrong,
        "missed": year.missed - before.missed,
        "questions": year.questions,
        "yes": year.yes,
        "questions_a_day": round(year.a_day, 2),
        "busiest_day": year.busiest,
        "generic": year.generic,
        "largest": year.largest,
    }


def _cost(total: Simulated) -> dict[str, Any]:
    peak = max(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return {
        "records_decided": total.decided,
        "records_a_second": round(total.decided / max(total.deciding, 1e-9)),
        "invented_a_second": round(total.years[-1].records / max(total.inventing, 1e-9)),
        "peak_mib": peak // 1024,
    }
