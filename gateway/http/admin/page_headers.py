"""What every answer of the admin listener tells a browser. Nothing may run or be loaded but what the listener itself serves as a
file, no other site may show a page in a frame, and none learns from which page a visitor came."""

from types import MappingProxyType

_SOURCES = (
    "default-src 'none'",
    "style-src 'self'",
    "script-src 'self'",
    "img-src 'self'",
    "connect-src 'self'",
    "form-action 'self'",
    "frame-ancestors 'none'",
    "base-uri 'none'",
)
PAGE_HEADERS = MappingProxyType(
    {
        "Content-Security-Policy": "; ".join(_SOURCES),
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin",
        # Without any referrer, browsers would send `Origin: null` with our own forms.
        "Referrer-Policy": "same-origin",
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",
    }
)
