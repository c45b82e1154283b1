-- The identifiers that an import could not use, each with its line; the rows were taken without them.

CREATE TABLE import_warning (
  import_id TEXT NOT NULL,
  line INTEGER NOT NULL,
  identifier TEXT NOT NULL,
  reason TEXT NOT NULL,
  PRIMARY KEY (import_id, line, identifier, reason)
) STRICT, WITHOUT ROWID;
