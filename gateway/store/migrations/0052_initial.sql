-- Times are milliseconds UTC. Ids are the integers behind prf_, rec_, ach_ … (gateway/ids.py).
--
-- The audit logs of databases from before the first release know these as bound by step 41, which is no file any more.
-- binds as step 41: profile merge merge_undone review coupon

-- ---- identity ----

CREATE TABLE record (
  id_space TEXT NOT NULL,
  customer_id TEXT NOT NULL,
  record_id INTEGER NOT NULL,
  profile_id INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  active INTEGER NOT NULL,
  guest INTEGER NOT NULL,
  PRIMARY KEY (id_space, customer_id)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX record_by_id ON record (record_id, profile_id);
-- With created_at, so that a profile's records are read from their list alone.
CREATE INDEX record_of_profile ON record (profile_id, record_id, active, guest, created_at);

-- The owner of an identifier is on its observations, in the index that finds them by it, so that one more costs one page and not
-- two. `source` is who said it.
CREATE TABLE observation (
  record_id INTEGER NOT NULL,
  type TEXT NOT NULL,
  value TEXT NOT NULL,
  first_seen INTEGER NOT NULL,
  last_seen INTEGER NOT NULL,
  verified INTEGER NOT NULL,
  blocked INTEGER NOT NULL,
  retired INTEGER NOT NULL,
  owner_id INTEGER,
  source TEXT NOT NULL DEFAULT 'backend',
  PRIMARY KEY (record_id, type, value)
) STRICT, WITHOUT ROWID;
CREATE INDEX observation_of_key ON observation (type, value, record_id, owner_id);

-- Only what observations cannot say: another state than normal and, of many holders, their number and the owner.
CREATE TABLE identifier_state (
  type TEXT NOT NULL,
  value TEXT NOT NULL,
  state TEXT NOT NULL,
  owner_id INTEGER,
  holders INTEGER,
  PRIMARY KEY (type, value)
) STRICT, WITHOUT ROWID;

-- Both in one, for those who query the database by hand.
CREATE VIEW identifier_owner AS
SELECT o.type, o.value, COALESCE(MAX(s.state), 'normal') AS state,
       MAX(CASE WHEN s.holders IS NULL THEN o.owner_id ELSE s.owner_id END) AS owner_id, COUNT(*) AS holders
FROM observation AS o LEFT JOIN identifier_state AS s ON s.type = o.type AND s.value = o.value
GROUP BY o.type, o.value;

-- A profile's version is the sum of its changes and its records. It is named after a record: its id and its canonical id lead to
-- the profile that this record is on.
CREATE TABLE profile (
  profile_id INTEGER PRIMARY KEY,
  created_at INTEGER NOT NULL,
  changes INTEGER NOT NULL,
  redirect_to INTEGER,
  canonical_id TEXT NOT NULL,
  named_after INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE UNIQUE INDEX profile_by_canonical_id ON profile (canonical_id);
CREATE INDEX profile_by_redirect ON profile (redirect_to) WHERE redirect_to IS NOT NULL;

CREATE TABLE attribute (
  record_id INTEGER NOT NULL,
  name TEXT NOT NULL,
  value TEXT NOT NULL,
  at INTEGER NOT NULL,
  source TEXT NOT NULL DEFAULT 'backend',
  PRIMARY KEY (record_id, name)
) STRICT, WITHOUT ROWID;

CREATE TABLE tag (
  record_id INTEGER NOT NULL,
  tag TEXT NOT NULL,
  at INTEGER NOT NULL,
  PRIMARY KEY (record_id, tag)
) STRICT, WITHOUT ROWID;

-- Said by a source that may not state it. No decision reads these two tables.
CREATE TABLE claim (
  record_id INTEGER NOT NULL,
  type TEXT NOT NULL,
  value TEXT NOT NULL,
  source TEXT NOT NULL,
  claimed_at INTEGER NOT NULL,
  PRIMARY KEY (record_id, type, value)
) STRICT, WITHOUT ROWID;
CREATE INDEX claim_of_key ON claim (type, value, record_id);

CREATE TABLE claimed_attribute (
  record_id INTEGER NOT NULL,
  name TEXT NOT NULL,
  value TEXT NOT NULL,
  source TEXT NOT NULL,
  claimed_at INTEGER NOT NULL,
  PRIMARY KEY (record_id, name)
) STRICT, WITHOUT ROWID;

-- Who was erased, by numbers that lead to no one. The same is kept, signed, outside the database, so that a restored backup is told
-- of the erasures that it has not seen.
CREATE TABLE erasure (
  erasure_id INTEGER PRIMARY KEY,
  profile_id INTEGER NOT NULL,
  records TEXT NOT NULL,
  at INTEGER NOT NULL
) STRICT;

-- ---- judgements ----

CREATE TABLE pin (
  record_a INTEGER NOT NULL,
  record_b INTEGER NOT NULL,
  kind TEXT NOT NULL,
  actor TEXT NOT NULL,
  reason TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  expires_at INTEGER,
  PRIMARY KEY (record_a, record_b)
) STRICT, WITHOUT ROWID;
CREATE INDEX pin_by_second ON pin (record_b, record_a);
CREATE INDEX pin_by_end ON pin (expires_at) WHERE expires_at IS NOT NULL;

CREATE TABLE merge (
  merge_id INTEGER PRIMARY KEY,
  survivor_id INTEGER NOT NULL,
  absorbed_id INTEGER NOT NULL,
  survivor_records TEXT NOT NULL,
  absorbed_records TEXT NOT NULL,
  rule TEXT NOT NULL,
  rule_set TEXT NOT NULL,
  actor TEXT NOT NULL,
  request_id TEXT NOT NULL,
  merged_at INTEGER NOT NULL,
  undone_at INTEGER
) STRICT;
CREATE INDEX merge_by_survivor ON merge (survivor_id, merge_id);
CREATE INDEX merge_by_absorbed ON merge (absorbed_id, merge_id);

CREATE TABLE review (
  review_id INTEGER PRIMARY KEY,
  profile_a INTEGER NOT NULL,
  profile_b INTEGER NOT NULL,
  state TEXT NOT NULL,
  reason TEXT NOT NULL,
  rule TEXT NOT NULL,
  types TEXT NOT NULL,
  opened_at INTEGER NOT NULL,
  closed_at INTEGER,
  closed_by TEXT NOT NULL,
  records TEXT NOT NULL,
  evidence TEXT NOT NULL
) STRICT;
CREATE UNIQUE INDEX review_of_pair ON review (profile_a, profile_b) WHERE profile_a < profile_b;
CREATE INDEX review_by_first ON review (profile_a, profile_b);
CREATE INDEX review_by_second ON review (profile_b, profile_a);
CREATE INDEX review_by_state ON review (state, review_id);

-- Profiles that are to be looked at again, after new rules were activated or a value stopped or started to match. The cursor is the
-- last profile looked at, written in the transaction of its changes.
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
-- For erasures.
CREATE INDEX regrouping_of_value ON regrouping (value) WHERE value <> '';

-- ---- rules and operators ----

CREATE TABLE rule_set (
  version TEXT PRIMARY KEY,
  sha256 TEXT NOT NULL,
  text TEXT NOT NULL,
  author TEXT NOT NULL,
  stored_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE rule_activation (
  activation_id INTEGER PRIMARY KEY,
  version TEXT NOT NULL,
  actor TEXT NOT NULL,
  activated_at INTEGER NOT NULL
) STRICT;

-- The rule files that an operator has seen a plan of. The summary holds counts only.
CREATE TABLE rule_plan (
  sha256 TEXT PRIMARY KEY,
  planned_at INTEGER NOT NULL,
  planned_by TEXT NOT NULL,
  summary TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- Values of the operators' own, such as the shops' telephone numbers, under the name by which a rule file knows them.
CREATE TABLE own_list (
  name TEXT NOT NULL,
  value TEXT NOT NULL,
  added_at INTEGER NOT NULL,
  added_by TEXT NOT NULL,
  PRIMARY KEY (name, value)
) STRICT, WITHOUT ROWID;

CREATE TABLE channel_key (
  key_id TEXT PRIMARY KEY,
  channel TEXT NOT NULL,
  api_hash BLOB NOT NULL,
  secret_hash BLOB NOT NULL,
  created_at INTEGER NOT NULL,
  created_by TEXT NOT NULL,
  revoked_at INTEGER
) STRICT, WITHOUT ROWID;

-- ---- achievements ----

-- `trace` is of the request that caused it; '' where the caller named none.
CREATE TABLE achievement (
  achievement_id INTEGER PRIMARY KEY,
  record_id INTEGER NOT NULL,
  campaign_id INTEGER NOT NULL,
  state TEXT NOT NULL,
  reason TEXT NOT NULL,
  channel TEXT NOT NULL,
  request_id TEXT NOT NULL,
  accepted_at INTEGER NOT NULL,
  due_at INTEGER NOT NULL,
  decided_at INTEGER,
  epoch INTEGER NOT NULL,
  trace TEXT NOT NULL DEFAULT ''
) STRICT;
CREATE INDEX achievement_due ON achievement (due_at) WHERE state = 'accepted';
-- Direct reports that were not answered yet: a handful at any time.
CREATE INDEX achievement_unanswered ON achievement (achievement_id) WHERE state = 'queued' AND reason = 'direct';

CREATE TABLE dedup (
  profile_id INTEGER NOT NULL,
  campaign_id INTEGER NOT NULL,
  achievement_id INTEGER NOT NULL,
  accepted_at INTEGER NOT NULL,
  expires_at INTEGER NOT NULL,
  PRIMARY KEY (profile_id, campaign_id)
) STRICT, WITHOUT ROWID;

-- `headers` are JSON pairs; '' for those that every answer of the gateway has.
CREATE TABLE idempotency (
  channel TEXT NOT NULL,
  route TEXT NOT NULL,
  key TEXT NOT NULL,
  fingerprint BLOB NOT NULL,
  status INTEGER NOT NULL,
  body BLOB NOT NULL,
  expires_at INTEGER NOT NULL,
  headers TEXT NOT NULL DEFAULT '',
  PRIMARY KEY (channel, route, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX idempotency_by_expiry ON idempotency (expires_at);

-- Which answer is kept for which achievement, so that a person's answers can be erased; in the order of the achievements, so that
-- one more costs next to nothing.
CREATE TABLE answer_of (
  achievement_id INTEGER PRIMARY KEY,
  channel TEXT NOT NULL,
  route TEXT NOT NULL,
  key TEXT NOT NULL,
  expires_at INTEGER NOT NULL
) STRICT;

CREATE TABLE ledger (
  record_id INTEGER NOT NULL,
  campaign_id INTEGER NOT NULL,
  entry_id INTEGER NOT NULL,
  kind TEXT NOT NULL,
  achievement_id INTEGER NOT NULL,
  points INTEGER NOT NULL,
  score INTEGER NOT NULL,
  coupon_code TEXT NOT NULL,
  entered_at INTEGER NOT NULL,
  PRIMARY KEY (record_id, campaign_id, achievement_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE campaign_spend (
  campaign_id INTEGER PRIMARY KEY,
  points INTEGER NOT NULL
) STRICT;

-- ---- deliveries ----

-- Work for others: the platform, and the receivers of webhooks. A row is open until it has its finished_at, and only open rows are
-- looked for; due_at NULL waits for an operator.
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
  answer TEXT NOT NULL,
  request_id TEXT NOT NULL DEFAULT '',
  trace TEXT NOT NULL DEFAULT ''
) STRICT;
CREATE INDEX delivery_open ON delivery (target, due_at, state) WHERE finished_at IS NULL;
CREATE INDEX delivery_in_order ON delivery (target, lane, delivery_id) WHERE finished_at IS NULL AND target <> 'upstream';
CREATE INDEX delivery_for_a_person ON delivery (state, delivery_id) WHERE state IN ('dead', 'held');
-- The next two are for erasures.
CREATE INDEX delivery_refused ON delivery (subject) WHERE answer <> '';
CREATE INDEX delivery_heard ON delivery (lane) WHERE finished_at IS NULL AND kind = 'platform';

-- Events that the platform told lately, so that each counts once. Nothing of what they said is kept here.
CREATE TABLE platform_event (
  event_key TEXT PRIMARY KEY,
  topic TEXT NOT NULL,
  profile_id INTEGER,
  heard_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX platform_event_by_age ON platform_event (heard_at);

-- ---- imports ----

-- How far each import is, written in the transaction of its newest lines. An undo that has begun has looked at all records up to
-- `undo_after`.
CREATE TABLE import_run (
  import_id TEXT PRIMARY KEY,
  channel TEXT NOT NULL,
  started_at INTEGER NOT NULL,
  next_line INTEGER NOT NULL,
  counts TEXT NOT NULL,
  unusable TEXT NOT NULL,
  finished_at INTEGER,
  undo_after INTEGER,
  undone_at INTEGER
) STRICT, WITHOUT ROWID;

-- Of an import whose lines come in an order of the sender's: which order that is, and how many of its lines are taken.
CREATE TABLE import_block (
  import_id TEXT PRIMARY KEY,
  block TEXT NOT NULL,
  ahead INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Lines that an import could not take.
CREATE TABLE import_refusal (
  import_id TEXT NOT NULL,
  line INTEGER NOT NULL,
  reason TEXT NOT NULL,
  PRIMARY KEY (import_id, line)
) STRICT, WITHOUT ROWID;

-- Identifiers that an import could not use. Their rows were taken without them.
CREATE TABLE import_warning (
  import_id TEXT NOT NULL,
  line INTEGER NOT NULL,
  identifier TEXT NOT NULL,
  reason TEXT NOT NULL,
  PRIMARY KEY (import_id, line, identifier, reason)
) STRICT, WITHOUT ROWID;

-- What each import changed, record by record, so that it can be taken back: a row for each chunk that changed a record. `created`:
-- the record came with it. Otherwise `before` is JSON: what it added, what it wrote over, and the merges that it caused.
CREATE TABLE import_change (
  import_id TEXT NOT NULL,
  record_id INTEGER NOT NULL,
  change_id INTEGER NOT NULL,
  at INTEGER NOT NULL,
  created INTEGER NOT NULL,
  before TEXT NOT NULL,
  PRIMARY KEY (import_id, record_id, change_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX import_change_of_record ON import_change (record_id, change_id);

-- ---- the audit log ----

-- `bound` is what the hash covers beside the event, as JSON; '' for most events.
CREATE TABLE audit (
  event_id INTEGER PRIMARY KEY,
  chain TEXT NOT NULL,
  seq INTEGER NOT NULL,
  at INTEGER NOT NULL,
  action TEXT NOT NULL,
  outcome TEXT NOT NULL,
  channel TEXT NOT NULL,
  actor TEXT NOT NULL,
  profile TEXT NOT NULL,
  object TEXT NOT NULL,
  request_id TEXT NOT NULL,
  reason TEXT NOT NULL,
  detail TEXT NOT NULL,
  hash BLOB NOT NULL,
  bound TEXT NOT NULL DEFAULT ''
) STRICT;

CREATE TABLE audit_checkpoint (
  checkpoint_id INTEGER PRIMARY KEY,
  at INTEGER NOT NULL,
  heads TEXT NOT NULL,
  signature BLOB NOT NULL
) STRICT;

-- What people wrote, and names that may say who a person is: apart from the log, which keeps an HMAC of it, so that it can be erased
-- with any of the records that it is about.
CREATE TABLE audit_words (
  event_id INTEGER PRIMARY KEY,
  words TEXT NOT NULL
) STRICT;

CREATE TABLE audit_words_of (
  record_id INTEGER NOT NULL,
  event_id INTEGER NOT NULL,
  PRIMARY KEY (record_id, event_id)
) STRICT, WITHOUT ROWID;

-- What was archived: a row for each segment, with the segment's header. From then on each checkpoint has the newest header's digest.
-- Events up to the newest row's are in the archive; what is still here of them is being taken away.
CREATE TABLE audit_cut (
  segment INTEGER PRIMARY KEY,
  event_id INTEGER NOT NULL,
  header TEXT NOT NULL
) STRICT;

-- How far each webhook has the signatures of the log.
CREATE TABLE anchored (
  place TEXT PRIMARY KEY,
  checkpoint_id INTEGER NOT NULL,
  signature TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- How far the rows are that a schema step has bound anew, by the key of the last one.
CREATE TABLE state_binding (
  step INTEGER NOT NULL,
  name TEXT NOT NULL,
  place TEXT NOT NULL,
  is_done INTEGER NOT NULL,
  PRIMARY KEY (step, name)
) STRICT, WITHOUT ROWID;

-- ---- the gateways themselves ----

-- Work that one of several gateways does at a time, by its name, and which of them does it until when; also what a probe writes to.
CREATE TABLE lease (
  name TEXT PRIMARY KEY,
  owner TEXT NOT NULL,
  until INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- By how much the time of the newest run was ahead of the steady clock, and in which boot of the machine.
CREATE TABLE boot (
  boot_id TEXT PRIMARY KEY,
  line INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Finds rows of the append-only tables by what only queries ask for. Filled behind the writer in sorted chunks, up to the watermark
-- in lookup_progress; it can be rebuilt from the tables at any time.
CREATE TABLE lookup (
  field TEXT NOT NULL,
  value TEXT NOT NULL,
  row_id INTEGER NOT NULL,
  PRIMARY KEY (field, value, row_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE lookup_progress (
  source TEXT PRIMARY KEY,
  row_id INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
