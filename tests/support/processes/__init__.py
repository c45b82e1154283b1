"""For the fault tests: the real process and its faults, clients that record the answers that they get, and the comparison of both
with the database file."""
