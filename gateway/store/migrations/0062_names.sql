-- Under which texts a record is found by its names. It follows from the attributes. Of records from before this step, housekeeping
-- writes it, up to the newest of them.

CREATE TABLE person_name (
  name TEXT NOT NULL,
  record_id INTEGER NOT NULL,
  PRIMARY KEY (name, record_id)
) STRICT, WITHOUT ROWID;

INSERT INTO lookup_progress SELECT 'name', 0 WHERE EXISTS (SELECT 1 FROM record) ON CONFLICT (source) DO NOTHING;
INSERT INTO lookup_progress SELECT 'name.end', MAX(record_id) FROM record HAVING COUNT(*) > 0 ON CONFLICT (source) DO NOTHING;
