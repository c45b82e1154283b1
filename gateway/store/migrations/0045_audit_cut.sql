-- What of the audit log was archived: a row for each segment, with the segment's header. The newest header's digest stands in each
-- checkpoint from then on. Events up to the newest row's are in the archive; what is still here of them is being taken away.

CREATE TABLE audit_cut (
  segment INTEGER PRIMARY KEY,
  event_id INTEGER NOT NULL,
  header TEXT NOT NULL
) STRICT;
