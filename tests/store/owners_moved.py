"""What a database holds before and after the schema step that moves the owners of identifiers to their observations."""

STEP = 12
BEFORE = (
    """INSERT INTO identifier VALUES ('email', 'ann@x.eg', 'normal', 1, 1), ('email', 'free@x.eg', 'normal', NULL, 2),
    ('email', 'info@x.eg', 'generic', NULL, 20), ('mobile', '+201', 'shared', NULL, 3), ('mobile', '+202', 'normal', 7, 17)""",
    """INSERT INTO observation SELECT column1, type, value, 0, 0, 0, 0, 0
    FROM identifier CROSS JOIN (VALUES (1), (2), (3)) AS v WHERE column1 <= holders""",
)
"""What a database of the step before has: keys whose number of holders is exact only above 16."""
OWNERS = "SELECT type, value, state, owner_id, holders FROM identifier_owner ORDER BY type, value"
AFTER = [
    ("email", "ann@x.eg", "normal", 1, 1),
    ("email", "free@x.eg", "normal", None, 2),
    ("email", "info@x.eg", "generic", None, 3),
    ("mobile", "+201", "shared", None, 3),
    ("mobile", "+202", "normal", 7, 3),
]
