-- Of an import whose lines come in an order of their sender's: which order that is, and how many of its lines are taken.

CREATE TABLE import_block (
  import_id TEXT PRIMARY KEY,
  block TEXT NOT NULL,
  ahead INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
