"""RESOLVE: decides on one request at a time, against the state at that moment."""
