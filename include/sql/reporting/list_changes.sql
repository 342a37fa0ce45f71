-- What people changed or read in a period, as the ledger has it: who, what, when; no reason, which is free text.
-- identifiers: none
-- values: kinds (text[]), begins, ends (timestamptz, end excluded)
-- locks: none
SELECT l.at, l.kind,
       concat_ws(' ', l.payload ->> 'subject_kind', l.payload ->> 'query', l.payload ->> 'purpose',
                 l.payload ->> 'period', l.payload ->> 'rule'),
       coalesce(l.payload ->> 'by', l.payload ->> 'system_user', l.payload ->> 'database_user')
FROM lethe.ledger AS l
WHERE l.run_id IS NULL AND l.kind = ANY(%(kinds)s::text[])
  AND l.at >= %(begins)s AND l.at < %(ends)s
ORDER BY l.id
LIMIT 1000
