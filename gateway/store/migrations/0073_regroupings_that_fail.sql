-- A regrouping whose step fails is tried again after pauses that grow. In the end it fails, and waits for an operator.

ALTER TABLE regrouping ADD COLUMN failures INTEGER NOT NULL DEFAULT 0;
ALTER TABLE regrouping ADD COLUMN due_at INTEGER NOT NULL DEFAULT 0;
ALTER TABLE regrouping ADD COLUMN failed_at INTEGER;
ALTER TABLE regrouping ADD COLUMN why TEXT NOT NULL DEFAULT '';
