"""The `gateway` command: a client of the admin API, plus what no running gateway can do for itself."""

from gateway.cli.program import app, main, run

__all__ = ["app", "main", "run"]
