-- Times are milliseconds UTC. Ids are the integers behind prf_, rec_, ach_ … (gateway/ids.py).

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
CREATE INDEX record_by_profile ON record (profile_id, record_id, active, guest);

CREATE TABLE observation (
  record_id INTEGER NOT NULL,
  type TEXT NOT NULL,
  value TEXT NOT NULL,
  first_seen INTEGER NOT NULL,
  last_seen INTEGER NOT NULL,
  verified INTEGER NOT NULL,
  blocked INTEGER NOT NULL,
  retired INTEGER NOT NULL,
  PRIMARY KEY (record_id, type, value)
) STRICT, WITHOUT ROWID;
CREATE INDEX observation_by_key ON observation (type, value, record_id);

CREATE TABLE identifier (
  type TEXT NOT NULL,
  value TEXT NOT NULL,
  state TEXT NOT NULL,
  owner_id INTEGER,
  holders INTEGER NOT NULL,
  PRIMARY KEY (type, value)
) STRICT, WITHOUT ROWID;

CREATE TABLE profile (
  profile_id INTEGER PRIMARY KEY,
  created_at INTEGER NOT NULL,
  version INTEGER NOT NULL,
  redirect_to INTEGER,
  canonical_id TEXT NOT NULL
) STRICT;
CREATE UNIQUE INDEX profile_by_canonical_id ON profile (canonical_id);
CREATE INDEX profile_by_redirect ON profile (redirect_to) WHERE redirect_to IS NOT NULL;

CREATE TABLE attribute (
  record_id INTEGER NOT NULL,
  name TEXT NOT NULL,
  value TEXT NOT NULL,
  at INTEGER NOT NULL,
  PRIMARY KEY (record_id, name)
) STRICT, WITHOUT ROWID;

CREATE TABLE tag (
  record_id INTEGER NOT NULL,
  tag TEXT NOT NULL,
  at INTEGER NOT NULL,
  PRIMARY KEY (record_id, tag)
) STRICT, WITHOUT ROWID;

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

CREATE TABLE channel_key (
  key_id TEXT PRIMARY KEY,
  channel TEXT NOT NULL,
  api_hash BLOB NOT NULL,
  secret_hash BLOB NOT NULL,
  created_at INTEGER NOT NULL,
  created_by TEXT NOT NULL,
  revoked_at INTEGER
) STRICT, WITHOUT ROWID;

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
  epoch INTEGER NOT NULL
) STRICT;
CREATE INDEX achievement_due ON achievement (due_at) WHERE state = 'accepted';

CREATE TABLE dedup (
  profile_id INTEGER NOT NULL,
  campaign_id INTEGER NOT NULL,
  achievement_id INTEGER NOT NULL,
  accepted_at INTEGER NOT NULL,
  expires_at INTEGER NOT NULL,
  PRIMARY KEY (profile_id, campaign_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE idempotency (
  channel TEXT NOT NULL,
  route TEXT NOT NULL,
  key TEXT NOT NULL,
  fingerprint BLOB NOT NULL,
  status INTEGER NOT NULL,
  body BLOB NOT NULL,
  expires_at INTEGER NOT NULL,
  PRIMARY KEY (channel, route, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX idempotency_by_expiry ON idempotency (expires_at);

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
  hash BLOB NOT NULL
) STRICT;

CREATE TABLE audit_checkpoint (
  checkpoint_id INTEGER PRIMARY KEY,
  at INTEGER NOT NULL,
  heads TEXT NOT NULL,
  signature BLOB NOT NULL
) STRICT;

-- Finds rows of the append-only tables by what only questions ask for. Filled behind the writer in sorted chunks, up to
-- the watermark in lookup_progress; it can be rebuilt from the tables at any time.
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
