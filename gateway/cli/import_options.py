"""The options of `gateway import`."""

from pathlib import Path
from typing import Annotated

import typer

Customers = Annotated[
    Path, typer.Argument(metavar="FILE", help="CSV with a header line, .xlsx, or JSON lines.")
]
OfChannel = Annotated[
    str, typer.Option(help="The channel of these customers; its id space and region apply.")
]
Format = Annotated[
    str,
    typer.Option(
        help="csv, xlsx or jsonl; or the system that exported it: shopify, woocommerce, salesforce, odoo, magento, hubspot."
        " Found by the file's content and the names of its columns unless given."
    ),
]
Map = Annotated[
    list[str] | None,
    typer.Option(
        help="TARGET=COLUMN, any number of times: customer_id, guest, an identifier type, an attribute of the API such as"
        " firstName, or custom.NAME. Given again for a target, the column counts where those before it are empty."
    ),
]
Ignored = Annotated[
    list[str] | None,
    typer.Option(metavar="COLUMN", help="A column to leave out; may be given several times."),
]
MappingFile = Annotated[Path | None, typer.Option(help='The same in a TOML file: TARGET = "COLUMN".')]
Encoding = Annotated[
    str, typer.Option(help="The encoding of a CSV file that is neither UTF-8 nor UTF-16, such as cp1252.")
]
SheetName = Annotated[str, typer.Option(help="Which sheet of an .xlsx file that has several.")]
RejectsFile = Annotated[
    Path | None,
    typer.Option(help="Where refused lines are listed, with their reasons; FILE.rejects.csv unless given."),
]
WarningsFile = Annotated[
    Path | None,
    typer.Option(help="Where unusable identifiers are listed by line; FILE.warnings.csv unless given."),
]
Unasked = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask whether the columns are understood.")]
DryRun = Annotated[
    bool,
    typer.Option(
        "--dry-run",
        help="Import into a copy of the database that is deleted afterwards, and say what would happen."
        " A row's decision depends on the rows before it, so only the whole import can tell.",
    ),
]
Resumed = Annotated[
    str,
    typer.Option(
        metavar="IMPORT",
        help="Resume this import (imp_…), although the file or the mapping changed after its last line.",
    ),
]
