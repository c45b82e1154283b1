-- An operator who resumes a failed job may leave out the one thing that makes it fail.

-- `stuck_at` is the thing whose change failed last, `skipped` how many were left out.
ALTER TABLE job ADD COLUMN skipped INTEGER NOT NULL DEFAULT 0;
ALTER TABLE job ADD COLUMN stuck_at INTEGER;
