"""Anchors: each signature of the audit log, also where the owner of the database cannot reach it."""
