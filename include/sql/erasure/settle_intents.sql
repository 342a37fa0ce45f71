-- Settle files by a person's word: removed by hand, or given up; their paths are forgotten.
-- identifiers: none
-- values: intents (uuid[]), outcome (text)
-- locks: the rows of the intents
UPDATE lethe.outbox
SET outcome = %(outcome)s, finished_at = now(), target = NULL
WHERE intent_id = ANY(%(intents)s::uuid[]) AND (outcome IS NULL OR outcome = 'quarantined')
RETURNING system
