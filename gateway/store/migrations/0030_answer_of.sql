-- Which answer is kept for which achievement, so that a person's answers can be erased; in the order of the achievements, so that
-- one more costs next to nothing.

CREATE TABLE answer_of (
  achievement_id INTEGER PRIMARY KEY,
  channel TEXT NOT NULL,
  route TEXT NOT NULL,
  key TEXT NOT NULL,
  expires_at INTEGER NOT NULL
) STRICT;
