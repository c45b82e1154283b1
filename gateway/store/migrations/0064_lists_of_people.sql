-- Lists of merges and of questions by what a person asks for, each newest first.

CREATE INDEX merge_by_rule ON merge (rule, merge_id, undone_at);
CREATE INDEX merge_by_actor ON merge (actor, merge_id);
CREATE INDEX merge_by_state ON merge ((CASE WHEN undone_at IS NULL THEN 'standing' ELSE 'undone' END), merge_id);
CREATE INDEX review_by_rule ON review (rule, state, review_id);
-- A question about points has the points in its reason.
CREATE INDEX review_by_reason ON review ((CASE WHEN substr(reason, 1, 7) = 'points:' THEN 'points' ELSE reason END), state, review_id);
