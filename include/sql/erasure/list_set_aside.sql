-- List the files that wait for a person: set aside, failing, or of a system that nobody reaches.
-- identifiers: none
-- values: reached (text[]): systems with a connector
-- locks: none
SELECT intent_id, system, intended_at, attempts, last_error,
       CASE WHEN outcome = 'quarantined' THEN 'set aside'
            WHEN last_error IS NOT NULL THEN 'failing'
            ELSE 'out of reach' END AS state
FROM lethe.outbox
WHERE outcome = 'quarantined'
   OR (outcome IS NULL AND (last_error IS NOT NULL OR NOT system = ANY(%(reached)s::text[])))
ORDER BY system COLLATE "C", intended_at, intent_id
