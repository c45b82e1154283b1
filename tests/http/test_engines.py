"""How rows of tables are spread over the engines."""

from __future__ import annotations

import pytest

ROWS = ("a", "b", "c", "d", "e")


@pytest.mark.parametrize("row", ROWS)
def test_a_row_of_a_table_runs_on_one_engine(engine: str, row: str) -> None:
    assert (ROWS.index(row) % 2 == 0) == (engine == "sqlite")


def test_each_row_of_a_table_runs_once(request: pytest.FixtureRequest) -> None:
    """Those that were left out never ran, and no test could say so."""
    table = test_a_row_of_a_table_runs_on_one_engine.__name__
    collected = [item for item in request.session.items if isinstance(item, pytest.Function)]
    found = [str(item.callspec.params["row"]) for item in collected if item.originalname == table]
    assert sorted(found) == [*ROWS]
