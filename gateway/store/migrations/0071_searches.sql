-- A search for records that look like one person, and what it found. A suggestion is a question, stored as a review; this says why it
-- was asked. `certainty` counts in ten-thousandths. `comparisons` are names, levels and weights, no values.

CREATE TABLE search (
  search_id INTEGER PRIMARY KEY,
  state TEXT NOT NULL,
  stage TEXT NOT NULL,
  started_by TEXT NOT NULL,
  started_at INTEGER NOT NULL,
  seen_at INTEGER NOT NULL,
  ended_at INTEGER,
  rule_set TEXT NOT NULL,
  records INTEGER NOT NULL,
  candidates INTEGER NOT NULL,
  found INTEGER NOT NULL,
  opened INTEGER NOT NULL,
  labels INTEGER NOT NULL,
  model TEXT NOT NULL,
  data TEXT NOT NULL,
  weights TEXT NOT NULL,
  failure TEXT NOT NULL
) STRICT;

CREATE TABLE suggestion (
  record_a INTEGER NOT NULL,
  record_b INTEGER NOT NULL,
  review_id INTEGER NOT NULL,
  search_id INTEGER NOT NULL,
  certainty INTEGER NOT NULL,
  points INTEGER NOT NULL,
  comparisons TEXT NOT NULL,
  PRIMARY KEY (record_a, record_b)
) WITHOUT ROWID, STRICT;
CREATE INDEX suggestion_by_certainty ON suggestion (certainty, points, record_a, record_b);
CREATE INDEX suggestion_of_review ON suggestion (review_id);
CREATE INDEX suggestion_of_other ON suggestion (record_b);
