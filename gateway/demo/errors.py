"""The error that ends a demo."""

from gateway.errors import GatewayError


class DemoError(GatewayError):
    """The shop could not be played to its end."""
