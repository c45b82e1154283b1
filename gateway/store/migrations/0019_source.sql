-- Who said it. What was there before was stated by a back end.

ALTER TABLE observation ADD COLUMN source TEXT NOT NULL DEFAULT 'backend';
ALTER TABLE attribute ADD COLUMN source TEXT NOT NULL DEFAULT 'backend';

-- What is claimed of a record: said by a source that may not state it. No decision reads these tables.
CREATE TABLE claim (
  record_id INTEGER NOT NULL,
  type TEXT NOT NULL,
  value TEXT NOT NULL,
  source TEXT NOT NULL,
  claimed_at INTEGER NOT NULL,
  PRIMARY KEY (record_id, type, value)
) STRICT, WITHOUT ROWID;
CREATE INDEX claim_of_key ON claim (type, value, record_id);

CREATE TABLE claimed_attribute (
  record_id INTEGER NOT NULL,
  name TEXT NOT NULL,
  value TEXT NOT NULL,
  source TEXT NOT NULL,
  claimed_at INTEGER NOT NULL,
  PRIMARY KEY (record_id, name)
) STRICT, WITHOUT ROWID;
