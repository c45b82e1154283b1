"""`gateway bench`: runs the shipped benchmark on this machine."""

from pathlib import Path
from typing import Annotated

import typer


def bench(
    quick: Annotated[bool, typer.Option("--quick", help="A short run of a few minutes.")] = False,
    part: Annotated[
        list[str] | None, typer.Option("--part", help="Only this part; may be given several times.")
    ] = None,
    size: Annotated[
        list[int] | None,
        typer.Option(
            "--size", min=1_000, help="Records of a database in the part sizes; may be given several times."
        ),
    ] = None,
    directory: Annotated[
        Path | None, typer.Option(help="Where the databases go: a disk, not memory.")
    ] = None,
    db: Annotated[
        str, typer.Option("--db", help="On this PostgreSQL server (a URL; its user may create databases).")
    ] = "",
    json: Annotated[Path | None, typer.Option("--json", help="Also write the figures to this file.")] = None,
    baseline: Annotated[
        Path | None, typer.Option(help="The JSON of an earlier run, to compare with.")
    ] = None,
    gate: Annotated[bool, typer.Option("--gate", help="Exit 1 when a target is missed.")] = False,
) -> None:
    """Measure this machine with real processes, each figure against a yardstick; exit 1 when a part is void."""
    from dataclasses import replace

    from gateway.bench.command import run
    from gateway.bench.options import FULL, PARTS, QUICK, USUAL

    unknown = [name for name in part or () if name not in PARTS]
    if unknown:
        raise typer.BadParameter(f"{unknown[0]} is not a part; known parts: {', '.join(PARTS)}")
    parts = tuple(name for name in PARTS if name in (part or USUAL))
    options = QUICK if quick else FULL
    chosen = replace(options, parts=parts, sizes=tuple(size) if size else options.sizes)
    raise typer.Exit(
        run(replace(chosen, directory=directory, db=db, json=json, baseline=baseline, gate=gate))
    )
