-- Operators, their browser sessions, and when each was last seen. A token and a cookie are stored as HMACs only.

-- `previous_hash` is the token before the newest, which is taken until `previous_until`.
CREATE TABLE operator (
  name TEXT PRIMARY KEY,
  role TEXT NOT NULL,
  token_hash BLOB NOT NULL,
  created_at INTEGER NOT NULL,
  created_by TEXT NOT NULL,
  previous_hash BLOB,
  previous_until INTEGER,
  removed_at INTEGER
) STRICT, WITHOUT ROWID;

CREATE TABLE operator_use (
  name TEXT PRIMARY KEY,
  used_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- `token_hash` is of the token that the operator logged in with: where that is taken no more, the session is over.
CREATE TABLE operator_session (
  session_id TEXT PRIMARY KEY,
  name TEXT NOT NULL,
  token_hash BLOB NOT NULL,
  opened_at INTEGER NOT NULL,
  seen_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX operator_session_of ON operator_session (name);
