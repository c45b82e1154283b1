"""Decides who is the same person: normalisation, merge rules and decisions, as pure functions over plain data.

Nothing here reads a clock, a file, a socket or a random source, and nothing logs. The caller passes the state in and carries
the decision out.
"""
