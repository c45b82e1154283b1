"""CANON: the groups of all records, computed at once. The order in which records arrived does not matter."""
