-- Splits of which the sides are kept apart: one row for each record instead of a pin for each pair of records.

CREATE TABLE split (
  split_id INTEGER PRIMARY KEY,
  expires_at INTEGER,
  actor TEXT NOT NULL,
  reason TEXT NOT NULL,
  created_at INTEGER NOT NULL
) STRICT;
CREATE INDEX split_by_end ON split (expires_at) WHERE expires_at IS NOT NULL;

CREATE TABLE split_side (
  record_id INTEGER NOT NULL,
  split_id INTEGER NOT NULL,
  side INTEGER NOT NULL,
  PRIMARY KEY (record_id, split_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX split_side_by_split ON split_side (split_id, record_id);
