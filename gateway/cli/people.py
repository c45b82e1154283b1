"""People in tables: by their names, where a row has them."""

from gateway.cli.output import Row


def who(row: Row) -> str:
    """The people of a row's profiles; a profile without a name or a customer by its id."""
    pairs = zip(row["people"], row["profiles"], strict=True)
    return " / ".join(person or profile for person, profile in pairs)
