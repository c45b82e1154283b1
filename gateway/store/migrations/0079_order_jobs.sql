-- Batch jobs about orders, as the platform named them to whoever started them: their status has order ids where others have
-- customer ids.

CREATE TABLE order_job (
  job TEXT PRIMARY KEY,
  noted_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX order_job_noted ON order_job (noted_at);
