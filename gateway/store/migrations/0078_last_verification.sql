-- What the last verification of the audit log found, in one row. Its signature is made with the key of the checkpoints.

CREATE TABLE audit_verified (
  verified_id INTEGER PRIMARY KEY,
  told TEXT NOT NULL,
  signature BLOB NOT NULL
) STRICT;

-- Jobs that wait for an operator, to count them.
CREATE INDEX job_failed ON job (job_id) WHERE state = 'failed';
