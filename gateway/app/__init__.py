"""Wiring: from settings to a running gateway."""
