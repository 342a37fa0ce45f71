-- Claim open intents of some systems that are due for an attempt, and say when the next one would be.
-- identifiers: none
-- values: systems (text[]), size (integer)
-- locks: the claimed rows, until the transaction ends
UPDATE lethe.outbox AS o
SET attempts = o.attempts + 1,
    next_attempt_at = now() + least(interval '1 minute' * 4 ^ o.attempts, interval '1 day')
FROM (
    SELECT intent_id
    FROM lethe.outbox
    WHERE outcome IS NULL AND next_attempt_at <= now() AND system = ANY(%(systems)s)
    ORDER BY next_attempt_at
    LIMIT %(size)s
    FOR UPDATE SKIP LOCKED
) AS c
WHERE o.intent_id = c.intent_id
RETURNING o.intent_id, o.run_id, o.system, o.target, o.attempts
