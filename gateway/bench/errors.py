"""The one way a measurement can be void: it says why, and the benchmark ends with exit code 1."""


class BenchError(Exception):
    pass
