"""Asks before an action that cannot be undone."""

import sys
from typing import Annotated

import typer

from gateway.cli.failure import MISUSED, REFUSED, Failure
from gateway.cli.output import plain

Yes = Annotated[bool, typer.Option("--yes", help="Do not ask.")]


def confirm(question: str, *, yes: bool) -> None:
    """Returns if a person agreed or `--yes` was given. Raises Failure for a "no", and if there is no terminal to ask on."""
    require_answer(yes=yes)
    if not yes and not typer.confirm(plain(question), err=True):
        raise Failure("stopped; nothing was done", REFUSED)


def require_answer(*, yes: bool) -> None:
    """Raises Failure if there is neither a `--yes` nor a terminal to ask on."""
    if not yes and not sys.stdin.isatty():
        raise Failure(
            "this cannot be undone, and there is no terminal to ask on; add --yes to do it", MISUSED
        )
