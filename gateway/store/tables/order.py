"""All tables, in the order in which they are loaded and saved: records bring keys, and profiles what is on them."""

from gateway.store.tables import (
    accounts,
    achievements,
    audit,
    customers,
    deliveries,
    identity,
    imports,
    jobs,
    merges,
    operators,
    pins,
    regrouping,
    reviews,
    suggestions,
)

TABLES = (
    *identity.TABLES,
    *merges.TABLES,
    *pins.TABLES,
    *reviews.TABLES,
    *suggestions.TABLES,
    *customers.TABLES,
    *achievements.TABLES,
    *deliveries.TABLES,
    *imports.TABLES,
    *regrouping.TABLES,
    *jobs.TABLES,
    *operators.TABLES,
    *accounts.TABLES,
    *audit.TABLES,
)
