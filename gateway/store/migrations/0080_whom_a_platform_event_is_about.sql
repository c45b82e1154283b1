-- The profile that has the platform's id of the customer whom an event of the platform is about. Its lane is the profile to which
-- that id led when the event came; a merge may since have been undone.

ALTER TABLE delivery ADD COLUMN about INTEGER NOT NULL DEFAULT 0;
UPDATE delivery SET about = lane WHERE finished_at IS NULL AND kind = 'platform';
DROP INDEX delivery_heard;
CREATE INDEX delivery_about ON delivery (about) WHERE finished_at IS NULL AND kind = 'platform';
