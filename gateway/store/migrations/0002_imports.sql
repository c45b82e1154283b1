-- How far each import is, written in the transaction of its newest lines; and the lines that it could not take.

CREATE TABLE import_run (
  import_id TEXT PRIMARY KEY,
  channel TEXT NOT NULL,
  started_at INTEGER NOT NULL,
  next_line INTEGER NOT NULL,
  counts TEXT NOT NULL,
  unusable TEXT NOT NULL,
  finished_at INTEGER
) STRICT, WITHOUT ROWID;

CREATE TABLE import_refusal (
  import_id TEXT NOT NULL,
  line INTEGER NOT NULL,
  reason TEXT NOT NULL,
  PRIMARY KEY (import_id, line)
) STRICT, WITHOUT ROWID;
