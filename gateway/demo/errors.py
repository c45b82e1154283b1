"""What a demo that cannot go on raises."""

from gateway.errors import GatewayError


class DemoError(GatewayError):
    """The shop could not be played to its end."""
