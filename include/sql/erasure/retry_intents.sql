-- Let files that were set aside or fail be tried from the beginning, at once.
-- identifiers: none
-- values: intents (uuid[])
-- locks: the rows of the intents
UPDATE lethe.outbox
SET outcome = NULL, finished_at = NULL, attempts = 0, next_attempt_at = now(), last_error = NULL
WHERE intent_id = ANY(%(intents)s::uuid[]) AND (outcome IS NULL OR outcome = 'quarantined')
RETURNING system
