"""The form of an anchor: a checkpoint as it is copied outside the database."""

import msgspec


class Anchored(msgspec.Struct):
    """One line. `signature` in hexadecimal digits."""

    checkpoint: int
    at: int
    heads: str
    signature: str
