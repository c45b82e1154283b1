-- Blanks around a customer id are no part of it. Of ids that differ in them alone, one record takes the id: none where a record
-- has it already, else the first. The others keep their text, on the profiles that they are on.

UPDATE record SET customer_id = trim(customer_id, ' ')
WHERE customer_id <> trim(customer_id, ' ') AND record_id IN
  (SELECT MIN(r.record_id) FROM record AS r GROUP BY r.id_space, trim(r.customer_id, ' ')
   HAVING MAX(CASE WHEN r.customer_id = trim(r.customer_id, ' ') THEN 1 ELSE 0 END) = 0);
