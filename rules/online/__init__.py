"""RESOLVE: one request at a time, against the state that it meets."""
