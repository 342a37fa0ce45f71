-- Read the paths of files that wait for a person; they may be personal.
-- identifiers: none
-- values: intents (uuid[])
-- locks: none
SELECT intent_id, target
FROM lethe.outbox
WHERE intent_id = ANY(%(intents)s::uuid[]) AND (outcome IS NULL OR outcome = 'quarantined')
