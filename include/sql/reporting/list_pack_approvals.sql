-- List decisions with the ledger row that each wrote in its transaction, if it is sealed by now:
-- those on rows of the period, and those about sets and editions that its runs acted on.
-- identifiers: none
-- values: first_seal (bigint), last_seal (bigint), runs (uuid[]), kinds (text[]: of ledger rows)
-- locks: none
WITH decided AS (
    SELECT a.*, row_number() OVER (PARTITION BY decided_at, digest, rule ORDER BY approval_id) AS nth
    FROM lethe.approval AS a
), noted AS (
    SELECT id, batch, at, payload ->> 'rule' AS rule,
           coalesce(payload ->> 'digest', payload ->> 'diff') AS digest,
           row_number() OVER (
               PARTITION BY at, coalesce(payload ->> 'digest', payload ->> 'diff'), payload ->> 'rule'
               ORDER BY id) AS nth
    FROM lethe.ledger
    WHERE kind = ANY(%(kinds)s)
)
SELECT d.approval_id::text, d.kind, d.run_id::text, d.rule, encode(d.digest, 'hex'),
       encode(d.policy_digest, 'hex'), d.decision, d.decided_by, d.decided_role::text,
       d.decided_at, n.id, s.seal_no
FROM decided AS d
LEFT JOIN noted AS n
    ON n.at = d.decided_at AND n.digest = encode(d.digest, 'hex')
   AND n.rule IS NOT DISTINCT FROM d.rule AND n.nth = d.nth
LEFT JOIN lethe.ledger_sealing AS s USING (batch)
WHERE (n.id IS NULL OR s.seal_no IS NOT NULL)
  AND coalesce(s.seal_no, 0) <= %(last_seal)s
  AND (s.seal_no >= %(first_seal)s
       OR d.digest IN (SELECT digest FROM lethe.plan_rule WHERE run_id = ANY(%(runs)s::uuid[]))
       OR d.kind = 'policy' AND d.policy_digest IN (
              SELECT policy_digest FROM lethe.run WHERE run_id = ANY(%(runs)s::uuid[])))
ORDER BY d.decided_at, n.id, d.approval_id
