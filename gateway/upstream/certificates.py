"""TLS to the platform and to webhooks, by contexts that tell until when the certificate of the other side is valid.

A certificate is checked in the handshake and forgotten after it: neither asyncio nor aiohttp hands it on for a connection that it
has already returned. So the handshake itself notes it. `sslobject_class` is how a context makes the object that does the handshake.
"""

import ssl
from collections.abc import Callable

NoteEnd = Callable[[float], None]
"""Called after each handshake with the moment at which the certificate ends, in seconds since 1970."""


def client_context(note_end: NoteEnd) -> ssl.SSLContext:
    class Noting(ssl.SSLObject):
        def do_handshake(self) -> None:
            super().do_handshake()
            certificate = self.getpeercert()
            if certificate and isinstance(ends := certificate.get("notAfter"), str):
                note_end(ssl.cert_time_to_seconds(ends))

    context = ssl.create_default_context()
    context.sslobject_class = Noting
    return context


def is_refused(error: BaseException | None) -> bool:
    """Whether there is no connection because of the certificate: it has ended, is of another name, or of an unknown issuer."""
    return isinstance(error, ssl.SSLCertVerificationError)
