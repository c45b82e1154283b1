"""Raised when a measurement is void. The text gives the reason, and the benchmark ends with exit code 1."""


class BenchError(Exception):
    pass
