"""The failure of a command: one line that names the thing and the remedy, and an exit code."""

import json
from collections.abc import Sequence

from gateway.cli.output import note
from gateway.errors import GatewayError

DONE = 0
REFUSED = 1
MISUSED = 2


class Failure(GatewayError):
    """`exit_code` 1: the request was refused; 2: the command or the configuration is wrong. `code` is that of the admin API, ""
    for a failure on this side."""

    def __init__(self, message: str, exit_code: int = REFUSED, code: str = "") -> None:
        super().__init__(message)
        self.exit_code = exit_code
        self.code = code


def report(problems: Sequence[str], exit_code: int, code: str = "", *, as_json: bool) -> None:
    """Prints the failure on stderr: a line for each problem, or one line of JSON."""
    if not as_json:
        for problem in problems:
            note(f"gateway: {problem}")
        return
    error = {
        "code": code or ("usage" if exit_code == MISUSED else "refused"),
        "message": "\n".join(problems),
        "problems": list(problems),
        "exit_code": exit_code,
    }
    note(json.dumps({"error": error}, ensure_ascii=False))
