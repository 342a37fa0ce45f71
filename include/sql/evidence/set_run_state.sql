-- Write how far a run has come.
-- identifiers: none
-- values: run_id (uuid), state (text), reason (text), finished (boolean), summary (jsonb or NULL),
--         seal_no (bigint or NULL)
-- locks: the row of the run
UPDATE lethe.run
SET state = %(state)s,
    reason = %(reason)s,
    finished_at = CASE WHEN %(finished)s THEN now() ELSE finished_at END,
    summary = coalesce(%(summary)s::jsonb, summary),
    sealed_seal_no = coalesce(%(seal_no)s, sealed_seal_no)
WHERE run_id = %(run_id)s
