-- Which request caused an achievement or a delivery, so that what is sent on later says so. A trace is '' where the caller named none.

ALTER TABLE achievement ADD COLUMN trace TEXT NOT NULL DEFAULT '';
ALTER TABLE delivery ADD COLUMN request_id TEXT NOT NULL DEFAULT '';
ALTER TABLE delivery ADD COLUMN trace TEXT NOT NULL DEFAULT '';
