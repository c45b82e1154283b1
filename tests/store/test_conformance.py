"""Every engine keeps the Store protocol's promises."""

from conformance import *  # noqa: F403
