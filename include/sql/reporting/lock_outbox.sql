-- Let one process at a time decide which mail of a report to a recipient comes next.
-- identifiers: none
-- values: policy_name, period, recipient (text), last_on (date)
-- locks: an advisory lock, until the transaction ends
SELECT pg_advisory_xact_lock(hashtextextended(
    concat_ws('/', 'lethe/outbox', %(policy_name)s, %(period)s, %(last_on)s, %(recipient)s), 0))
