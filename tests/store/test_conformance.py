"""Every engine keeps the Store protocol's promises."""

import pytest
from conformance import *  # noqa: F403


@pytest.fixture(params=["sqlite", "postgres"])
def engine(request: pytest.FixtureRequest) -> str:
    return request.param
