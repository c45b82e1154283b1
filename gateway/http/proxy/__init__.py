"""Forward mode: every operation of the platform handed on under the canonical customer id, and its answer handed back under
the customer id that the channel knows."""

from gateway.http.proxy.direct import Direct
from gateway.http.proxy.forward import Forward

__all__ = ["Direct", "Forward"]
