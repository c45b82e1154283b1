-- The contents of rule files that somebody saw a plan of, by their SHA-256; the summary holds counts only.

CREATE TABLE rule_plan (
  sha256 TEXT PRIMARY KEY,
  planned_at INTEGER NOT NULL,
  planned_by TEXT NOT NULL,
  summary TEXT NOT NULL
) STRICT, WITHOUT ROWID;
