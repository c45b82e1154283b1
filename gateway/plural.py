"""Counts in sentences."""


def counted(number: int, thing: str) -> str:
    """`1 row`, `2 rows`, `1 delivery`, `2 deliveries`."""
    if number == 1:
        return f"1 {thing}"
    ends_in_ies = thing.endswith("y") and thing[-2] not in "aeou"
    return f"{number:,} {thing[:-1]}ies" if ends_in_ies else f"{number:,} {thing}s"
