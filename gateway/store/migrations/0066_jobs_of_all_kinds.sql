-- binds: job
-- Jobs of more kinds, which may fail and be resumed, and which the audit log vouches for: what a job is to do, and its state. How far
-- it has come is not vouched for. A job that was running is cancelled, because nothing says who started it.

ALTER TABLE job ADD COLUMN above INTEGER NOT NULL DEFAULT 0;
ALTER TABLE job ADD COLUMN run_by TEXT NOT NULL DEFAULT '';
ALTER TABLE job ADD COLUMN run_since INTEGER NOT NULL DEFAULT 0;
ALTER TABLE job ADD COLUMN why TEXT NOT NULL DEFAULT '';
ALTER TABLE job ADD COLUMN closed INTEGER NOT NULL DEFAULT 0;
ALTER TABLE job ADD COLUMN passed INTEGER NOT NULL DEFAULT 0;
ALTER TABLE job ADD COLUMN failures INTEGER NOT NULL DEFAULT 0;
ALTER TABLE job ADD COLUMN due_at INTEGER NOT NULL DEFAULT 0;
UPDATE job SET above = before, run_by = created_by, run_since = created_at;
UPDATE job SET state = 'cancelled', ended_at = created_at WHERE state = 'running';

-- Reports that were given up, as a job finds them.
CREATE INDEX achievement_dead ON achievement (achievement_id) WHERE state = 'dead';
