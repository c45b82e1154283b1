-- One more record of somebody known writes to fewer pages.
--
-- Whose an identifier is stands on its observations, in the tree that finds them by it, so that a new one costs one page and not two.
-- A row of its own has only what they cannot say: another state than normal and, of many holders, their number and the owner.
-- Where this step is done again, the old table is empty.

CREATE TABLE IF NOT EXISTS identifier (
  type TEXT NOT NULL,
  value TEXT NOT NULL,
  state TEXT NOT NULL,
  owner_id INTEGER,
  holders INTEGER NOT NULL,
  PRIMARY KEY (type, value)
) STRICT, WITHOUT ROWID;

ALTER TABLE observation ADD COLUMN owner_id INTEGER;
UPDATE observation SET owner_id = i.owner_id FROM identifier AS i
WHERE i.type = observation.type AND i.value = observation.value AND i.owner_id IS NOT NULL;
DROP INDEX observation_by_key;
CREATE INDEX observation_of_key ON observation (type, value, record_id, owner_id);

-- With created_at, so that a profile's records are read from their list alone.
DROP INDEX record_by_profile;
CREATE INDEX record_of_profile ON record (profile_id, record_id, active, guest, created_at);

CREATE TABLE identifier_state (
  type TEXT NOT NULL,
  value TEXT NOT NULL,
  state TEXT NOT NULL,
  owner_id INTEGER,
  holders INTEGER,
  PRIMARY KEY (type, value)
) STRICT, WITHOUT ROWID;
INSERT INTO identifier_state
SELECT type, value, state, CASE WHEN holders > 16 THEN owner_id END, CASE WHEN holders > 16 THEN holders END
FROM identifier WHERE holders > 16 OR state <> 'normal' ON CONFLICT DO NOTHING;
DROP TABLE identifier;

-- Both in one, for whoever asks the database.
CREATE VIEW identifier_owner AS
SELECT o.type, o.value, COALESCE(MAX(s.state), 'normal') AS state,
       MAX(CASE WHEN s.holders IS NULL THEN o.owner_id ELSE s.owner_id END) AS owner_id, COUNT(*) AS holders
FROM observation AS o LEFT JOIN identifier_state AS s ON s.type = o.type AND s.value = o.value
GROUP BY o.type, o.value;

-- A profile's version is from here on the sum of these changes and of its records, so it is greater than it was, once.
ALTER TABLE profile RENAME COLUMN version TO changes;
