-- What an event's hash covers beside the event, as JSON; empty for most events, and for all from before this step.
ALTER TABLE audit ADD COLUMN bound TEXT NOT NULL DEFAULT '';
