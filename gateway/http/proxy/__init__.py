"""Forward mode: every operation of the platform, passed on under the canonical customer id. The answer comes back with the customer
id that the channel knows."""

from gateway.http.proxy.direct import Direct
from gateway.http.proxy.forward import Forward

__all__ = ["Direct", "Forward"]
