-- How far each webhook has the signatures of the audit log.

CREATE TABLE anchored (
  place TEXT PRIMARY KEY,
  checkpoint_id INTEGER NOT NULL,
  signature TEXT NOT NULL
) STRICT, WITHOUT ROWID;
