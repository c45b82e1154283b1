-- A search may merge the most certain pairs, and a dry run says which. A suggestion counts the other pairs of records of its profiles.

ALTER TABLE search ADD COLUMN merged INTEGER NOT NULL DEFAULT 0;
ALTER TABLE search ADD COLUMN dry INTEGER NOT NULL DEFAULT 0;
ALTER TABLE search ADD COLUMN foreseen TEXT NOT NULL DEFAULT '[]';
ALTER TABLE suggestion ADD COLUMN others INTEGER NOT NULL DEFAULT 0;
ALTER TABLE suggestion ADD COLUMN merge_id INTEGER;
