"""An address that cannot be listened on: why, and what to do."""

import errno
import socket

import pytest

from gateway.app.listen_errors import cannot_listen

REMEDIES = {
    OSError(errno.EADDRINUSE, "bind failed"): "Address already in use; another process is there; stop it, ",
    OSError(errno.EADDRNOTAVAIL, "bind failed"): "Cannot assign requested address; this machine has no such ",
    OSError(errno.EACCES, "bind failed"): "Permission denied; a port below 1024 needs CAP_NET_BIND_SERVICE; ",
    socket.gaierror(socket.EAI_NONAME, "Name not known"): "Name not known; name an address of this machine",
    OSError("no sockets"): "no sockets; name another address",
}


@pytest.mark.parametrize(("error", "said"), REMEDIES.items(), ids=[repr(one) for one in REMEDIES])
def test_the_remedy_fits_what_went_wrong(error: OSError, said: str) -> None:
    assert str(cannot_listen("h:80", error)).startswith(f"server: cannot listen on h:80: {said}")
