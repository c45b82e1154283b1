-- What happened, as counts that survive a restart: by channel and minute, hour and day; by campaign and day; by rule, hour
-- and day. A gateway adds to them every few seconds, outside the transactions of the calls. `span` and `at` are in ms;
-- `rule_set` is the beginning of the content's SHA-256, as audit events have it.

CREATE TABLE activity (
  span INTEGER NOT NULL,
  at INTEGER NOT NULL,
  channel TEXT NOT NULL,
  calls INTEGER NOT NULL,
  calls_refused INTEGER NOT NULL,
  calls_failed INTEGER NOT NULL,
  created INTEGER NOT NULL,
  attached INTEGER NOT NULL,
  merged INTEGER NOT NULL,
  split INTEGER NOT NULL,
  reviews INTEGER NOT NULL,
  kept_apart INTEGER NOT NULL,
  accepted INTEGER NOT NULL,
  duplicates INTEGER NOT NULL,
  granted INTEGER NOT NULL,
  ignored INTEGER NOT NULL,
  failed INTEGER NOT NULL,
  delivered INTEGER NOT NULL,
  dead INTEGER NOT NULL,
  last_call INTEGER NOT NULL,
  PRIMARY KEY (span, at, channel)
) STRICT, WITHOUT ROWID;

CREATE TABLE campaign_activity (
  at INTEGER NOT NULL,
  campaign_id INTEGER NOT NULL,
  what TEXT NOT NULL,
  reason TEXT NOT NULL,
  number INTEGER NOT NULL,
  PRIMARY KEY (at, campaign_id, what, reason)
) STRICT, WITHOUT ROWID;

CREATE TABLE rule_activity (
  span INTEGER NOT NULL,
  at INTEGER NOT NULL,
  rule_set TEXT NOT NULL,
  rule TEXT NOT NULL,
  what TEXT NOT NULL,
  number INTEGER NOT NULL,
  PRIMARY KEY (span, at, rule_set, rule, what)
) STRICT, WITHOUT ROWID;

-- What an operator looks at first is found without a walk over all that is finished.
CREATE INDEX achievement_failed ON achievement (achievement_id) WHERE state = 'failed';
CREATE INDEX review_open ON review (reason, review_id) WHERE state = 'open';
CREATE INDEX import_by_start ON import_run (started_at, import_id);

-- A plan's samples are kept with its counts: ids only, as JSON text.
ALTER TABLE rule_plan ADD COLUMN cases TEXT NOT NULL DEFAULT '[]';
