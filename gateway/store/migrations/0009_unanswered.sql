-- Direct reports of which nobody said yet what came of them: a handful at any time.

CREATE INDEX achievement_unanswered ON achievement (achievement_id) WHERE state = 'queued' AND reason = 'direct';
