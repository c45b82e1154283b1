-- Regroupings: profiles that are to be looked at again, after new rules were activated or a value lost or regained its power.
-- The cursor is the last profile looked at, written in the transaction of its changes.

CREATE TABLE regrouping (
  regrouping_id INTEGER PRIMARY KEY,
  scope TEXT NOT NULL,
  cause TEXT NOT NULL,
  rule_set TEXT NOT NULL,
  type TEXT NOT NULL,
  value TEXT NOT NULL,
  profile_id INTEGER NOT NULL,
  started_at INTEGER NOT NULL,
  cursor INTEGER NOT NULL,
  total INTEGER NOT NULL,
  looked INTEGER NOT NULL,
  merged INTEGER NOT NULL,
  split INTEGER NOT NULL,
  asked INTEGER NOT NULL,
  points INTEGER NOT NULL,
  skipped INTEGER NOT NULL,
  held_by TEXT NOT NULL,
  held_until INTEGER NOT NULL,
  finished_at INTEGER
) STRICT;
CREATE INDEX regrouping_open ON regrouping (scope, regrouping_id) WHERE finished_at IS NULL;
CREATE INDEX profile_live ON profile (profile_id) WHERE redirect_to IS NULL;

-- Values of the operators' own, such as the shops' telephone numbers, under the name that a rule file knows them by.

CREATE TABLE own_list (
  name TEXT NOT NULL,
  value TEXT NOT NULL,
  added_at INTEGER NOT NULL,
  added_by TEXT NOT NULL,
  PRIMARY KEY (name, value)
) STRICT, WITHOUT ROWID;
