"""The page with the figures of all presets, measured on invented shops."""

from collections.abc import Iterator

from docs.generator.text import bullet, paragraph
from gateway.cli.rule_file import chosen_rules
from gateway.simulate.labelled import as_labelled
from gateway.simulate.registrations import registrations
from gateway.simulate.score import Score, score
from gateway.simulate.shapes import SHAPES
from rules.language.parse import PRESETS

PEOPLE, SEED = 800, 1
_HEAD = "| preset | precision | recall | F1 | questions in 100 | of them yes | F1 answered |"
_LINE = "|---|---|---|---|---|---|---|"


def lines() -> Iterator[str]:
    yield paragraph(
        f"What each preset makes of {PEOPLE} invented people in five kinds of shop. "
        "[Measure merge rules](../guides/score-rules.md) explains the shops and the figures, and [choose a "
        "preset](../guides/presets.md) says which preset is for whom. Real lists differ: score your own."
    )
    yield ""
    yield from map(
        bullet,
        (
            "**precision**, **recall** and **F1** are those without a person: no question is answered.",
            "**questions in 100**: for 100 customers. **of them yes**: how many deserve a yes.",
            "**F1 answered**: when the truth has answered all questions, and those that followed.",
        ),
    )
    yield from ("", "The same by hand:", "", "```sh")
    yield f"gateway simulate shop crm --shape crm --people {PEOPLE} --seed {SEED}"
    yield from ("gateway simulate score crm --preset strict", "```")
    for name, shape in SHAPES.items():
        customers = list(as_labelled(registrations(shape, PEOPLE, SEED)))
        yield from ("", f"## `{name}`", "")
        yield paragraph(f"{shape.title[:1].upper()}{shape.title[1:]}: {len(customers):,} customers")
        yield from ("", _HEAD, _LINE)
        for one in PRESETS:
            yield _row(one, score(customers, chosen_rules(None, one, as_json=False)))


def _row(name: str, found: Score) -> str:
    alone = found.unattended
    cells = [f"`{name}`", *(f"{one:.3f}" for one in (alone.precision, alone.recall, alone.f1))]
    cells += [f"{found.per_hundred:.1f}", f"{found.yes_share:.0%}" if found.questions else "–"]
    return f"| {' | '.join([*cells, f'{found.answered.f1:.3f}'])} |"
