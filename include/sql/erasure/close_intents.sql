-- Confirm what became of claimed intents; the target of what is gone is forgotten.
-- identifiers: none
-- values: intents (uuid[]), outcomes, errors (text[])
-- locks: the rows of the intents
UPDATE lethe.outbox AS o
SET outcome = d.outcome,
    finished_at = CASE WHEN d.outcome IS NOT NULL THEN now() END,
    last_error = coalesce(d.error, o.last_error),
    target = CASE WHEN d.outcome IN ('done', 'absent', 'kept') THEN NULL ELSE o.target END
FROM unnest(%(intents)s::uuid[], %(outcomes)s::text[], %(errors)s::text[])
     AS d(intent_id, outcome, error)
WHERE o.intent_id = d.intent_id AND o.outcome IS NULL
RETURNING o.run_id, o.system, o.outcome
