"""Counts in sentences."""


def counted(number: int, thing: str) -> str:
    """`1 row`, `2 rows`, `1 delivery`, `2 deliveries`."""
    if number == 1:
        return f"1 {thing}"
    return f"{number:,} {thing[:-1]}ies" if thing.endswith("y") else f"{number:,} {thing}s"
