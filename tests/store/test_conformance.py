"""Every engine keeps the Store protocol's promises."""

from tests.store.conformance import *  # noqa: F403
from tests.store.conformance_archive import *  # noqa: F403
from tests.store.conformance_counts import *  # noqa: F403
from tests.store.conformance_log import *  # noqa: F403
from tests.store.conformance_series import *  # noqa: F403
from tests.store.conformance_state import *  # noqa: F403
