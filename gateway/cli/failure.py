"""How a command ends when it could not be done: one line that names the thing and the remedy, and an exit code."""

from gateway.errors import GatewayError

DONE = 0
REFUSED = 1
MISUSED = 2


class Failure(GatewayError):
    """`exit_code` 1: it was refused; 2: the command or the configuration is wrong. `code` is the admin API's, "" where that did
    not speak."""

    def __init__(self, message: str, exit_code: int = REFUSED, code: str = "") -> None:
        super().__init__(message)
        self.exit_code = exit_code
        self.code = code
