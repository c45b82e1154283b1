-- The audit log vouches for these, too, from here on.
-- binds: profile merge merge_undone review coupon

-- How far the rows are that a step has bound anew, by the key of the last one.
CREATE TABLE state_binding (
  step INTEGER NOT NULL,
  name TEXT NOT NULL,
  place TEXT NOT NULL,
  is_done INTEGER NOT NULL,
  PRIMARY KEY (step, name)
) STRICT, WITHOUT ROWID;
