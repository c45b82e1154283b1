-- Work on everything that matches a filter, one change after the other. `before` is the id that the job has come down to: what is
-- below it is still to be looked at.

CREATE TABLE job (
  job_id INTEGER PRIMARY KEY,
  kind TEXT NOT NULL,
  filter TEXT NOT NULL,
  reason TEXT NOT NULL,
  matched INTEGER NOT NULL,
  created_by TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  before INTEGER NOT NULL,
  state TEXT NOT NULL,
  done INTEGER NOT NULL,
  refused INTEGER NOT NULL,
  ended_at INTEGER
) STRICT;
CREATE INDEX job_running ON job (job_id) WHERE state = 'running';
