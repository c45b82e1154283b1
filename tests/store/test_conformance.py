"""Every engine keeps the Store protocol's promises."""

from conformance import *  # noqa: F403
from conformance_log import *  # noqa: F403
from conformance_rows import *  # noqa: F403
from conformance_state import *  # noqa: F403
