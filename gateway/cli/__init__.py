"""The `gateway` command: a client of the admin API, plus what no running gateway can do for itself.

Exit codes: 0 done, 1 refused, 2 the command or the configuration is wrong."""

import os
import sqlite3
import sys
from collections.abc import Sequence

import typer

from gateway.cli import achievements, audit, db, deliveries, keys, lists, pin, profile, review, rules
from gateway.cli.bench import bench
from gateway.cli.check import check
from gateway.cli.demo import demo
from gateway.cli.duplicates import duplicates
from gateway.cli.failure import DONE, MISUSED, REFUSED, Failure
from gateway.cli.import_ import import_
from gateway.cli.output import note
from gateway.cli.profile import erase
from gateway.cli.serve import serve
from gateway.cli.shape import merge, split, undo
from gateway.config import ConfigError
from gateway.errors import GatewayError

app = typer.Typer(
    name="gateway",
    help="One customer, one profile: an identity-resolving gateway in front of a loyalty platform.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
for command in (serve, check, demo, merge, split, undo, erase, duplicates, bench):
    app.command()(command)
app.command("import")(import_)
app.add_typer(keys.app, name="keys")
app.add_typer(rules.app, name="rules")
app.add_typer(lists.app, name="lists")
app.add_typer(profile.app, name="profile")
app.add_typer(pin.app, name="pin")
app.add_typer(review.app, name="review")
app.add_typer(achievements.app, name="achievements")
app.add_typer(deliveries.app, name="deliveries")
app.add_typer(audit.app, name="audit")
app.add_typer(db.app, name="db")


def main() -> None:
    sys.exit(run())


def run(arguments: Sequence[str] | None = None) -> int:
    """The exit code; what went wrong is on stderr, a line each, without a traceback."""
    try:
        app(arguments, prog_name="gateway")
    except SystemExit as ended:
        return ended.code if isinstance(ended.code, int) else REFUSED
    except ConfigError as error:
        for problem in error.problems:
            note(f"gateway: {problem}")
        return MISUSED
    except Failure as error:
        note(f"gateway: {error}")
        return error.exit_code
    except GatewayError as error:
        note(f"gateway: {error}")
        return REFUSED
    except sqlite3.Error as error:
        note(f"gateway: the database cannot be used ({error}); look closer with: gateway db check")
        return REFUSED
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # whoever read our output has read enough
    except OSError as error:
        note(f"gateway: {error.filename or 'the system'}: {error.strerror}")
        return REFUSED
    return DONE
