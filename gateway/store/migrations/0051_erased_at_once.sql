-- An erasure finds what else names the person without reading what is open of all others. Refusals, values that are regrouped and
-- events of the platform that wait for a webhook are few.

CREATE INDEX delivery_refused ON delivery (subject) WHERE answer <> '';
CREATE INDEX delivery_heard ON delivery (lane) WHERE finished_at IS NULL AND kind = 'platform';
CREATE INDEX regrouping_of_value ON regrouping (value) WHERE value <> '';
