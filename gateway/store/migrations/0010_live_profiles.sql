-- The next live profiles are found without an index of their own, which every change of a profile would write to.

DROP INDEX profile_live;
