"""Wiring: from settings to a running gateway."""

from gateway.app.making import make_store, seed_rules
from gateway.app.opening import offline, replace_secret, running
from gateway.app.serving import Announce, listening, serve

__all__ = [
    "Announce",
    "listening",
    "make_store",
    "offline",
    "replace_secret",
    "running",
    "seed_rules",
    "serve",
]
