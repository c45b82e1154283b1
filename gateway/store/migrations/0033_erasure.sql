-- Who was erased, by numbers that lead to no one; the same stands signed outside the database, so that a restored backup is told of
-- the erasures that it has not seen.

CREATE TABLE erasure (
  erasure_id INTEGER PRIMARY KEY,
  profile_id INTEGER NOT NULL,
  records TEXT NOT NULL,
  at INTEGER NOT NULL
) STRICT;
