-- Of subjects by token, find those whom the ledger says that a run erased.
-- identifiers: none
-- values: places (integer[]), runs (uuid[]), tokens (bytea[]), in the same order
-- locks: none
SELECT DISTINCT d.place
FROM unnest(%(places)s::integer[], %(runs)s::uuid[], %(tokens)s::bytea[]) AS d(place, run_id, token)
JOIN lethe.ledger AS l
  ON l.run_id = d.run_id AND l.kind = 'subject_erased' AND l.subject_token = d.token
