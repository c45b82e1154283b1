"""What is said about an address that cannot be listened on."""

import errno
import os
import socket

from gateway.config import ConfigError

_REMEDIES = {
    errno.EADDRINUSE: "another process is there; stop it, or name another port",
    errno.EADDRNOTAVAIL: "this machine has no such address; name one of its own",
    errno.EACCES: "a port below 1024 needs CAP_NET_BIND_SERVICE; name another one",
}


def cannot_listen(address: object, error: OSError) -> ConfigError:
    """With the remedy."""
    if isinstance(error, socket.gaierror):
        why, remedy = error.strerror, "name an address of this machine"
    else:
        why = os.strerror(error.errno) if error.errno else str(error)
        remedy = _REMEDIES.get(error.errno or 0, "name another address")
    return ConfigError((f"server: cannot listen on {address}: {why}; {remedy}",))
