"""What a database holds before and after the schema step that keeps who said an identifier or an attribute."""

STEP = 19
BEFORE = (
    """INSERT INTO observation VALUES (1, 'email', 'ann@x.eg', 0, 0, 0, 0, 0, 1),
    (2, 'mobile', '+201', 0, 0, 1, 0, 1, NULL)""",
    "INSERT INTO attribute VALUES (1, 'city', '\"Giza\"', 0)",
)
SOURCES = """SELECT record_id, type, value, source FROM observation
UNION ALL SELECT record_id, name, value, source FROM attribute ORDER BY 1, 2"""
AFTER = [
    (1, "city", '"Giza"', "backend"),
    (1, "email", "ann@x.eg", "backend"),
    (2, "mobile", "+201", "backend"),
]
