"""Anchors: copies of each audit log signature in a place that the owner of the database cannot change."""
