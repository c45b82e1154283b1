-- Work that one of several gateways does at a time, by its name, and who does it until when; also what a probe writes to.

CREATE TABLE lease (
  name TEXT PRIMARY KEY,
  owner TEXT NOT NULL,
  until INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
