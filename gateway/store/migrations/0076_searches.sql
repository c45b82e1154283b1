-- What looks for suggestions is called a search, in the code as on the pages.

ALTER TABLE suggestion_run RENAME TO search;
ALTER TABLE search RENAME COLUMN run_id TO search_id;
ALTER TABLE suggestion RENAME COLUMN run_id TO search_id;
