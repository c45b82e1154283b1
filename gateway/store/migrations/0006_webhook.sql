-- Which events the platform told lately, so that each counts once. Nothing of what they said is kept here.

CREATE TABLE platform_event (
  event_key TEXT PRIMARY KEY,
  topic TEXT NOT NULL,
  profile_id INTEGER,
  heard_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX platform_event_by_age ON platform_event (heard_at);
