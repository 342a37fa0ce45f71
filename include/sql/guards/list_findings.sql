-- List what the restore guard found and left in peace, each as its newest row of the ledger tells.
-- identifiers: none
-- values: policy_name (text)
-- locks: none
SELECT DISTINCT ON (l.subject_token, l.key_id, l.payload ->> 'sort', l.payload ->> 'subject')
       l.payload ->> 'sort', l.payload ->> 'subject', l.subject_token, l.key_id, l.kind, l.at, l.run_id
FROM lethe.run AS r
JOIN lethe.ledger AS l USING (run_id)
WHERE r.policy_name = %(policy_name)s AND r.kind = 'sweep'
  AND l.kind IN ('return_found', 'return_seen', 'return_gone')
ORDER BY l.subject_token, l.key_id, l.payload ->> 'sort', l.payload ->> 'subject', l.id DESC
