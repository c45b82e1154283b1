"""Tables of inputs and the two engines."""

from pathlib import Path

import pytest

_HERE = Path(__file__).parent
_SMALL = 3


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Of a table with more than three rows, run the even rows on SQLite and the odd ones on PostgreSQL: each row starts a whole
    gateway, and what it is about is the input, not the engine."""
    spread = [
        item
        for item in items
        if isinstance(item, pytest.Function)
        and item.path.is_relative_to(_HERE)
        and hasattr(item, "callspec")
        and "engine" in item.callspec.params
    ]
    tables = dict[str, dict[str, list[pytest.Function]]]()
    for item in spread:
        engines = tables.setdefault(f"{item.path}::{item.originalname}", {})
        engines.setdefault(str(item.callspec.params["engine"]), []).append(item)
    left_out = {
        item
        for engines in tables.values()
        for turn, rows in enumerate(engines.values())
        if len(rows) > _SMALL
        for number, item in enumerate(rows)
        if number % len(engines) != turn
    }
    config.hook.pytest_deselected(items=list(left_out))
    items[:] = [item for item in items if item not in left_out]
