-- What an answer set and what a merge asked, so that an undo takes back exactly that.
-- binds: review

-- `pins` are the pairs of records that the answer pinned. `merge_id` is the merge that closed the question, or asked it.
ALTER TABLE review ADD COLUMN pins TEXT NOT NULL DEFAULT '[]';
ALTER TABLE review ADD COLUMN merge_id INTEGER;
