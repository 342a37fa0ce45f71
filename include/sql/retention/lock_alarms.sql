-- Let one at a time find out whether the alarm of a night has rung, and ring it.
-- identifiers: none
-- values: none
-- locks: an advisory lock, until the transaction ends
SELECT pg_advisory_xact_lock(hashtextextended('lethe/alarms', 0))
