-- Which record a profile is named after: its id and its canonical id lead to wherever that record is. A profile that a call made
-- has the id before its first record's. A part that was split off is named as its oldest record was. Where neither is on the
-- profile any more it is the oldest that is.

ALTER TABLE profile ADD COLUMN named_after INTEGER NOT NULL DEFAULT 0;
UPDATE profile SET named_after = COALESCE(
  (SELECT r.record_id FROM record AS r
   WHERE r.record_id = CASE WHEN profile.profile_id % 2048 = 2047 THEN profile.profile_id + 2095105 ELSE profile.profile_id + 1 END
   AND r.profile_id = COALESCE(profile.redirect_to, profile.profile_id)),
  (SELECT MIN(r.record_id) FROM record AS r WHERE r.profile_id = COALESCE(profile.redirect_to, profile.profile_id)
   AND (r.customer_id = profile.canonical_id OR r.id_space || ':' || r.customer_id = profile.canonical_id)),
  (SELECT MIN(r.record_id) FROM record AS r WHERE r.profile_id = profile.profile_id),
  0) WHERE named_after = 0;
