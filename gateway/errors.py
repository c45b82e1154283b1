"""What stops the gateway from going on. Expected results are values (gateway.model); these are for «cannot»."""


class ReadFailed(Exception):
    """The engine refuses a read for what it asks or meets, such as text that is none. Names the engine's error, and no value."""


MISTAKES = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    LookupError,
    TypeError,
    ValueError,
    ReadFailed,
)
"""What our own code raises over a value that it was not written for. Failures of memory, disk and network are not among them."""


class GatewayError(Exception):
    """Root of all; the text names the thing and the remedy and holds no personal data."""


class Refusal(GatewayError):
    """An operator asked for something that cannot be done as asked; `code` is stable and documented."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class StoreUnavailable(GatewayError):
    """Nothing was stored; the same request may be sent again after `retry_after` seconds."""

    retry_after = 2


class StoreBusy(StoreUnavailable):
    """Other gateways wrote the same again and again; a smaller batch may get through."""


class QueueFull(StoreUnavailable):
    """More calls are waiting than the gateway promises to hold."""

    retry_after = 1


class OutboxFull(StoreUnavailable):
    """More work waits for the upstream than the gateway promises to hold."""

    retry_after = 60


class StoreBroken(GatewayError):
    """The disk no longer keeps what it is given (an I/O or fsync error). The process must end; recovery decides at restart."""


class CommandFailed(GatewayError):
    """One command failed by itself; its neighbours in the batch are not touched."""

    def __init__(self) -> None:
        super().__init__("the command failed; the log says where")


class AlreadyRunning(GatewayError):
    """Another process holds the database file."""


class DriverMissing(GatewayError):
    """PostgreSQL is named, and what speaks to it is not installed."""

    def __init__(self) -> None:
        super().__init__("PostgreSQL needs its driver; run: pip install 'loyalty-identity-gateway[postgres]'")


class ErasuresUnreadable(GatewayError):
    """What is kept of erasures outside the database was altered, or belongs to another database."""


class SchemaMismatch(GatewayError):
    """The database was written by a newer or altered gateway."""
