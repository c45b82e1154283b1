"""The table of commands, and the exit codes.

0: done. 1: refused. 2: the command or the configuration is wrong.
"""

import codecs
import contextlib
import errno
import json
import os
import sys
from collections.abc import Sequence
from importlib.metadata import version as version_of
from io import TextIOWrapper
from typing import Annotated, Any, TextIO

import typer

from gateway.cli.failure import DONE, MISUSED, REFUSED, Failure, report
from gateway.cli.lazy import Lazy, LazyGroup
from gateway.cli.output import note, say
from gateway.errors import GatewayError
from gateway.sqlite_library import sqlite3

COMMANDS = {
    "init": Lazy("gateway.cli.init", "init", "Write a settings file with keys of its own."),
    "serve": Lazy("gateway.cli.serve", "serve", "Run the gateway until SIGTERM or Ctrl-C."),
    "check": Lazy("gateway.cli.check", "check", "Check the settings and the rules, and print the settings."),
    "demo": Lazy("gateway.cli.demo", "demo", "Play one customer's journey against a fresh gateway."),
    "keys": Lazy("gateway.cli.keys", "app", "Issue, list and revoke the key pairs of channels."),
    "operators": Lazy(
        "gateway.cli.operators", "app", "Add, list, rotate and remove operators; end sessions."
    ),
    "rules": Lazy("gateway.cli.rules", "app", "Check, plan, store and activate rule sets."),
    "lists": Lazy("gateway.cli.lists", "app", "Lists of the shops' own numbers, which join no customers."),
    "import": Lazy("gateway.cli.imports", "app", "Import customers from a file, list imports, or undo one."),
    "duplicates": Lazy("gateway.cli.duplicates", "duplicates", "List profiles that look like one person."),
    "profile": Lazy("gateway.cli.profile", "app", "Find, show and explain profiles."),
    "merge": Lazy("gateway.cli.profile_changes", "merge", "Join two profiles."),
    "split": Lazy("gateway.cli.profile_changes", "split", "Take records out of a profile."),
    "undo": Lazy("gateway.cli.profile_changes", "undo", "Undo one merge."),
    "merges": Lazy("gateway.cli.merges", "app", "List merges, show one, and count them."),
    "suggest": Lazy(
        "gateway.cli.suggest",
        "app",
        "Find customers who look like one person.",
    ),
    "jobs": Lazy("gateway.cli.jobs", "app", "List, show, cancel and resume jobs."),
    "pin": Lazy("gateway.cli.pin", "app", "State that two records are, or are not, the same person."),
    "review": Lazy("gateway.cli.review", "app", "List and answer the questions that the rules leave open."),
    "export": Lazy(
        "gateway.cli.export", "export", "Export everything stored about a person, as JSON or HTML."
    ),
    "erase": Lazy("gateway.cli.profile", "erase", "Erase a person for good."),
    "achievements": Lazy("gateway.cli.achievements", "app", "List achievements, and decide about one again."),
    "deliveries": Lazy("gateway.cli.deliveries", "app", "List, resend and discard deliveries."),
    "webhooks": Lazy("gateway.cli.webhooks", "app", "List webhooks, and send one a test event."),
    "status": Lazy("gateway.cli.status", "status", "Show whether the gateway works, and what waits."),
    "activity": Lazy("gateway.cli.activity", "activity", "Show what happened, by time."),
    "campaigns": Lazy("gateway.cli.campaigns", "campaigns", "Show the results of each campaign's reports."),
    "audit": Lazy("gateway.cli.audit", "app", "Query, follow, explain, verify and export the audit log."),
    "db": Lazy("gateway.cli.db", "app", "Back up, check, migrate and move the database."),
    "admin-token": Lazy("gateway.cli.token", "admin_token", "Print the token of the admin API."),
    "simulate": Lazy("gateway.cli.simulate", "app", "Invent customers, and score rules with them."),
    "bench": Lazy("gateway.cli.bench", "bench", "Measure the gateway against a bare server."),
}


_INTERRUPTED = 130


class _Commands(LazyGroup):
    table = COMMANDS


app = typer.Typer(
    name="gateway",
    cls=_Commands,
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)


def _print_version(wanted: bool) -> None:
    if wanted:
        say(f"gateway {version_of('loyalty-identity-gateway')}")
        raise typer.Exit(DONE)


@app.callback()
def gateway(
    version: Annotated[
        bool, typer.Option("--version", help="Print the version.", callback=_print_version, is_eager=True)
    ] = False,
) -> None:
    """One customer, one profile: an identity-resolving gateway in front of a loyalty platform."""


def main() -> None:
    _open_standard_streams()
    codecs.register_error("as JSON", _as_json)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="as JSON")
    sys.exit(run())


def run(arguments: Sequence[str] | None = None) -> int:
    """Runs a command and returns the exit code. Errors go to stderr without a traceback: a line for each problem, or one JSON
    document with `--json`."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    command: Any = typer.main.get_command(app)
    if "_GATEWAY_COMPLETE" in os.environ:
        command(prog_name="gateway")
    code = _ended(command, words)
    for stream in (sys.stdout, sys.stderr):
        _flush_or_drop(stream)
    return code


def _ended(command: Any, words: Sequence[str]) -> int:
    """The exit code. A reader that closes our output early has read enough, so that is no failure."""
    as_json = "--json" in words
    try:
        code = _invoke(command, words)
        if code == DONE:
            sys.stdout.flush()
        return code
    except KeyboardInterrupt:
        return _INTERRUPTED
    except BrokenPipeError:
        return DONE
    except UnicodeEncodeError:
        report(["an argument or a setting is not UTF-8; write it in UTF-8"], MISUSED, as_json=as_json)
        return MISUSED
    except (GatewayError, typer.TyperException, sqlite3.Error, OSError) as error:
        return _refuse(error, as_json=as_json)


def _invoke(command: Any, words: Sequence[str]) -> int:
    try:
        with command.make_context("gateway", list(words)) as context:
            command.invoke(context)
    except typer.Exit as ended:
        return ended.exit_code
    return DONE


def _open_standard_streams() -> None:
    """A stream that the caller closed is nothing to read, or goes nowhere. Otherwise the next file to be opened would have its
    number, and what is printed would end up in that file."""
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        if getattr(sys, name) is None:
            nothing = os.open(os.devnull, os.O_RDWR)
            if nothing != number:
                os.dup2(nothing, number)
                os.close(nothing)
            os.set_inheritable(number, True)
            setattr(sys, name, os.fdopen(number, "w" if number else "r"))


def _as_json(error: UnicodeError) -> tuple[str, int]:
    """Characters that the terminal's encoding does not have."""
    assert isinstance(error, UnicodeEncodeError)  # noqa: S101 - the streams only encode
    return json.dumps(error.object[error.start : error.end])[1:-1], error.end


def _flush_or_drop(stream: TextIO) -> None:
    """What cannot be written is dropped, or else the interpreter would try again when it ends, and complain."""
    try:
        stream.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def _refuse(error: Exception, *, as_json: bool) -> int:
    from gateway.config import ConfigError

    code = ""
    match error:
        case ConfigError():
            exit_code, problems = MISUSED, list(error.problems)
        case Failure():
            exit_code, problems, code = error.exit_code, [str(error)], error.code
        case GatewayError():
            exit_code, problems = REFUSED, [str(error)]
        case typer.Abort():
            exit_code, problems = REFUSED, ["stopped; nothing was done"]
        case typer.TyperException():
            return _misused(error, as_json=as_json)
        case sqlite3.Error():
            remedy = "look closer with: gateway db check"
            exit_code, problems = REFUSED, [f"the database cannot be used ({error}); {remedy}"]
        case _:
            assert isinstance(error, OSError)  # noqa: S101 - what is left of what `run` catches
            why = "is a link, which is not followed; remove it or name another file"
            why = why if error.errno == errno.ELOOP else error.strerror or str(error)
            exit_code, problems = REFUSED, [f"{error.filename or 'the system'}: {why}"]
    report(problems, exit_code, code, as_json=as_json)
    return exit_code


def _misused(error: typer.TyperException, *, as_json: bool) -> int:
    """A command line that the parser refuses; the parser's own text includes the usage."""
    exit_code: int = getattr(error, "exit_code", MISUSED)
    message: str = getattr(error, "format_message", lambda: str(error))()
    if as_json:
        report([message], exit_code, "usage", as_json=True)
    elif type(error).__name__ == "NoArgsIsHelpError":
        with contextlib.suppress(OSError):
            say(message)
    else:
        context = getattr(error, "ctx", None)
        note(f"{context.get_usage()}\n\nError: {message}" if context is not None else f"Error: {message}")
    return exit_code
