-- What each import changed, record by record, so that it can be taken back: a row for each chunk that changed a record. `created`:
-- the record came with it. Otherwise `before` is JSON: what it added, what it wrote over, and the merges that it caused.

CREATE TABLE import_change (
  import_id TEXT NOT NULL,
  record_id INTEGER NOT NULL,
  change_id INTEGER NOT NULL,
  at INTEGER NOT NULL,
  created INTEGER NOT NULL,
  before TEXT NOT NULL,
  PRIMARY KEY (import_id, record_id, change_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX import_change_of_record ON import_change (record_id, change_id);

-- An undo that has begun has looked at all records up to `undo_after`.
ALTER TABLE import_run ADD COLUMN undo_after INTEGER;
ALTER TABLE import_run ADD COLUMN undone_at INTEGER;
