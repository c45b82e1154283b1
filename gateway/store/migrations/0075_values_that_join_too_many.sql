-- Values that turned out to belong to too many, newest first, with what followed: their regrouping is kept when it is done.

CREATE INDEX regrouping_of_too_many ON regrouping (regrouping_id) WHERE scope = 'value' AND cause IN ('generic', 'shared');
CREATE INDEX regrouping_of_too_many_by_type ON regrouping (type, regrouping_id)
  WHERE scope = 'value' AND cause IN ('generic', 'shared');
CREATE INDEX regrouping_walk ON regrouping (regrouping_id) WHERE scope = 'rules';
