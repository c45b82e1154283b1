"""Options that many commands share, defined once, so that each has the same name and description everywhere."""

import os
from pathlib import Path
from typing import Annotated

import typer

from gateway.cli.failure import MISUSED, Failure
from gateway.config import Config, load

DEFAULT_CONFIG = Path("config.toml")
ConfigFile = Annotated[Path, typer.Option("--config", help="The settings file.", show_default=True)]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for machines instead of a table.")]
PageSize = Annotated[int, typer.Option("--limit", min=1, max=200, help="The most rows to show.")]
Cursor = Annotated[str, typer.Option("--cursor", help="Where the previous page ended.")]
Since = Annotated[str, typer.Option("--since", help="A time, a date, or a span back from now such as 7d.")]
Until = Annotated[str, typer.Option("--until", help="A time, a date, or a span back from now such as 1d.")]
OnlyChannel = Annotated[str, typer.Option("--channel", help="Only this channel's.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Only say what would happen; nothing is changed.")]
Why = Annotated[str, typer.Option("--reason", help="Why; kept in the audit log.")]


def group(summary: str) -> typer.Typer:
    """A group of commands, such as `gateway keys`."""
    return typer.Typer(help=summary, no_args_is_help=True, add_completion=False, rich_markup_mode=None)


def settings(path: Path) -> Config:
    """The settings in `path`. Raises ConfigError for unusable settings, Failure for a missing file."""
    if not path.exists():
        raise Failure(
            f"{path}: there is no such file; name one with --config, or write one with: gateway init",
            MISUSED,
        )
    return load(path, os.environ)
