"""How each kind of thing in a working set is loaded and saved: one module a subject, one `Table` a collection."""

from gateway.store.tables.order import TABLES

__all__ = ["TABLES"]
