-- Work for somebody outside: the upstream, and whoever listens to webhooks. A row is open until it has its finished_at, and
-- only open rows are ever looked for; due_at NULL waits for a person.

CREATE TABLE delivery (
  delivery_id INTEGER PRIMARY KEY,
  target TEXT NOT NULL,
  lane INTEGER NOT NULL,
  kind TEXT NOT NULL,
  subject INTEGER NOT NULL,
  payload TEXT NOT NULL,
  state TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  due_at INTEGER,
  expires_at INTEGER NOT NULL,
  owner TEXT NOT NULL,
  lease_until INTEGER NOT NULL,
  epoch INTEGER NOT NULL,
  attempts INTEGER NOT NULL,
  sent_at INTEGER,
  finished_at INTEGER,
  status INTEGER NOT NULL,
  reason TEXT NOT NULL,
  answer TEXT NOT NULL
) STRICT;
CREATE INDEX delivery_open ON delivery (target, due_at, state) WHERE finished_at IS NULL;
CREATE INDEX delivery_in_order ON delivery (target, lane, delivery_id) WHERE finished_at IS NULL AND target <> 'upstream';
CREATE INDEX delivery_for_a_person ON delivery (state, delivery_id) WHERE state IN ('dead', 'held');
