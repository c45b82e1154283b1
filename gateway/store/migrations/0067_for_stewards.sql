-- What a data steward asks for: what an answer made, so that it can be undone; which questions have news or much at stake;
-- profiles that stand out; when a key pair was used; how fast the database grows.
-- binds: review

-- `made` is the merge that the answer made, or the profile that the records in question left behind or went to. `points` are those
-- of both sides, as of the newest evidence or as housekeeping counted them since.
ALTER TABLE review ADD COLUMN made INTEGER;
ALTER TABLE review ADD COLUMN evidence_at INTEGER NOT NULL DEFAULT 0;
ALTER TABLE review ADD COLUMN points INTEGER NOT NULL DEFAULT 0;
UPDATE review SET evidence_at = opened_at;
CREATE INDEX review_by_evidence ON review (state, evidence_at, review_id);
CREATE INDEX review_by_points ON review (state, points, review_id);
CREATE INDEX review_by_rule_evidence ON review (rule, state, evidence_at, review_id);
CREATE INDEX review_by_reason_evidence ON review
  ((CASE WHEN substr(reason, 1, 7) = 'points:' THEN 'points' ELSE reason END), state, evidence_at, review_id);
CREATE INDEX review_of_person ON review (profile_a, state, evidence_at, review_id);
CREATE INDEX review_of_person_points ON review (profile_a, state, points, review_id);

-- The profiles with the most of something, as of the last walk over all of them.
CREATE TABLE odd_profile (
  measure TEXT NOT NULL,
  profile_id INTEGER NOT NULL,
  number INTEGER NOT NULL,
  detail TEXT NOT NULL,
  PRIMARY KEY (measure, profile_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX odd_profile_by_number ON odd_profile (measure, number, profile_id);

CREATE TABLE channel_key_use (
  key_id TEXT PRIMARY KEY,
  used_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE database_size (
  day INTEGER PRIMARY KEY,
  bytes INTEGER NOT NULL
) STRICT;
