"""CANON: the groups of all records at once, by definition, whatever order they came in."""
