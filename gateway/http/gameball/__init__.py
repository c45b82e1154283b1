"""The platform's own API, answered by this gateway: one module a group of operations."""
