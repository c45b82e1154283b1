-- Which pins have ended by their time.

CREATE INDEX pin_by_end ON pin (expires_at) WHERE expires_at IS NOT NULL;
