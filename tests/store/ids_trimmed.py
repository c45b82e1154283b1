"""What a database holds before and after the schema step that takes the blanks off customer ids."""

STEP = 17
BEFORE = (
    """INSERT INTO record VALUES ('pos', '1   ', 1, 101, 0, 1, 0), ('pos', '  1', 2, 102, 0, 1, 0), ('web', ' 1', 3, 103, 0, 1, 0),
    ('pos', '2', 4, 104, 0, 1, 0), ('pos', '2 ', 5, 105, 0, 1, 0), ('pos', 'a b', 6, 106, 0, 1, 0),
    ('pos', '3 ', 7, 101, 0, 1, 0)""",
)
IDS = "SELECT record_id, id_space, customer_id, profile_id FROM record ORDER BY record_id"
AFTER = [
    (1, "pos", "1", 101),
    (2, "pos", "  1", 102),
    (3, "web", "1", 103),
    (4, "pos", "2", 104),
    (5, "pos", "2 ", 105),
    (6, "pos", "a b", 106),
    (7, "pos", "3", 101),
]
