-- What people wrote, and names that may say who somebody is: apart from the audit log, which keeps an HMAC of it, so that it can be
-- erased with any of the records that it is about.

CREATE TABLE audit_words (
  event_id INTEGER PRIMARY KEY,
  words TEXT NOT NULL
) STRICT;
CREATE TABLE audit_words_of (
  record_id INTEGER NOT NULL,
  event_id INTEGER NOT NULL,
  PRIMARY KEY (record_id, event_id)
) STRICT, WITHOUT ROWID;
