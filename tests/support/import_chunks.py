"""Chunks of an import, and how tests send them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.support.admin_api import ask

if TYPE_CHECKING:
    from tests.support.running_gateway import RunningGateway


IMPORT = "0123456789abcdef"
COLUMNS = ["customer_id", "email", "mobile", "guest", "firstName", "totalSpent", "custom.shoe"]


def chunk(*rows: list[Any], first: int = 1, **more: Any) -> dict[str, Any]:
    """One row a line; a row may be shorter than the columns."""
    padded = [row + [None] * (len(COLUMNS) - len(row)) for row in rows]
    return {
        "channel": "pos",
        "first_line": first,
        "next_line": first + len(rows),
        "columns": COLUMNS,
        "rows": [[first + number, row] for number, row in enumerate(padded)],
    } | more


async def bring(gateway: RunningGateway, body: dict[str, Any], expected: int = 200) -> Any:
    return await ask(gateway, "POST", f"imports/{IMPORT}/rows", expected, json=body)
