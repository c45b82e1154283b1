"""Why the gateway cannot continue. Expected results are values (gateway.model); these are for «cannot»."""


class ReadFailed(Exception):
    """The engine refuses a read for its values, such as text that is not valid. Names the engine's error, and no value."""


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
    """The base of all. The text names the thing and the remedy, and holds no personal data."""


class Refusal(GatewayError):
    """What an operator asked for cannot be done; `code` is stable and documented."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class StoreUnavailable(GatewayError):
    """Nothing was stored; the same request may be sent again after `retry_after` seconds."""

    retry_after = 2


class StoreBusy(StoreUnavailable):
    """Other gateways wrote the same rows repeatedly; a smaller batch may get through."""


class QueueFull(StoreUnavailable):
    """More calls are waiting than the gateway accepts."""

    retry_after = 1


class OutboxFull(StoreUnavailable):
    """More deliveries to the upstream are waiting than the gateway accepts."""

    retry_after = 60


class StoreBroken(GatewayError):
    """The disk no longer keeps data (an I/O or fsync error). The process must end; the next start recovers."""


class CommandFailed(GatewayError):
    """One command failed by itself; others in its batch are not affected. `cause` is the kind of error."""

    def __init__(self, cause: str) -> None:
        super().__init__("the command failed; the log says where")
        self.cause = cause


class AlreadyRunning(GatewayError):
    """Another process holds the database file."""


class DriverMissing(GatewayError):
    """PostgreSQL is configured, but its driver is not installed."""

    def __init__(self) -> None:
        super().__init__("PostgreSQL needs its driver; run: pip install 'loyalty-identity-gateway[postgres]'")


class ErasuresUnreadable(GatewayError):
    """The erasures outside the database were altered, or belong to another database."""


class SchemaMismatch(GatewayError):
    """The database was written by a newer or altered gateway."""
