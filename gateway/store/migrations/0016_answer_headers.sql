-- Headers of an answer that is kept under an idempotency key, as JSON pairs; '' for those that every answer of the gateway has.

ALTER TABLE idempotency ADD COLUMN headers TEXT NOT NULL DEFAULT '';
