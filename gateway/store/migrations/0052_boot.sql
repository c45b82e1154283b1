-- By how much the time of the newest run was ahead of the steady clock, and in which boot of the machine.

CREATE TABLE boot (
  boot_id TEXT PRIMARY KEY,
  line INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
