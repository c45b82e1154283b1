"""The `gateway` command: a client of the admin API, plus the work that a running gateway cannot do for itself."""

from gateway.cli.program import app, main, run

__all__ = ["app", "main", "run"]
