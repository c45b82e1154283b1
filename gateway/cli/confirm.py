"""Asking before something is done that cannot be taken back."""

import sys
from typing import Annotated

import typer

from gateway.cli.failure import MISUSED, REFUSED, Failure
from gateway.cli.output import plain

Yes = Annotated[bool, typer.Option("--yes", help="Do not ask.")]


def confirm(question: str, *, yes: bool) -> None:
    """Return once a person agreed, or `--yes` did for them. Raises Failure for a "no", and where there is no terminal to ask on."""
    if yes:
        return
    if not sys.stdin.isatty():
        raise Failure(
            "this cannot be taken back, and there is no terminal to ask on; add --yes to do it", MISUSED
        )
    if not typer.confirm(plain(question), err=True):
        raise Failure("stopped; nothing was done", REFUSED)
