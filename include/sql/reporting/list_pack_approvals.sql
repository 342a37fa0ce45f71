-- List decisions with the ledger row that each wrote in its transaction, if it is sealed by now:
-- those on rows of the period, and those about sets and editions that its runs acted on.
-- identifiers: none
-- values: first_seal (bigint), last_seal (bigint), runs (uuid[]), kinds (text[]: of ledger rows)
-- locks: none
WITH told AS (
    SELECT a.*, l.id AS ledger_id, l.batch
    FROM lethe.approval AS a
    LEFT JOIN lethe.ledger AS l
        ON l.at = a.decided_at AND l.kind = ANY(%(kinds)s)
       AND coalesce(l.payload ->> 'digest', l.payload ->> 'diff') = encode(a.digest, 'hex')
       AND l.payload ->> 'rule' IS NOT DISTINCT FROM a.rule
)
SELECT t.approval_id::text, t.kind, t.run_id::text, t.rule, encode(t.digest, 'hex'),
       encode(t.policy_digest, 'hex'), t.decision, t.decided_by, t.decided_role::text,
       t.decided_at, t.ledger_id, s.seal_no
FROM told AS t
LEFT JOIN lethe.ledger_sealing AS s USING (batch)
WHERE (t.ledger_id IS NULL OR s.seal_no IS NOT NULL)
  AND coalesce(s.seal_no, 0) <= %(last_seal)s
  AND (s.seal_no >= %(first_seal)s
       OR t.digest IN (SELECT digest FROM lethe.plan_rule WHERE run_id = ANY(%(runs)s::uuid[]))
       OR t.kind = 'policy' AND t.policy_digest IN (
              SELECT policy_digest FROM lethe.run WHERE run_id = ANY(%(runs)s::uuid[])))
ORDER BY t.decided_at, t.ledger_id, t.approval_id
