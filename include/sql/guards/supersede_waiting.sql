-- Supersede the unanswered sets of older plans, those of runs that came to nothing, and approved ones
-- of another edition of the policy (which voids the approval), for the rules that a newer plan has.
-- identifiers: none
-- values: policy_name (text), run_id (uuid of the newer plan)
-- locks: the rows of the rules
UPDATE lethe.plan_rule AS p
SET state = 'superseded'
FROM lethe.run AS r, lethe.run AS newer
WHERE newer.run_id = %(run_id)s AND r.run_id = p.run_id AND r.kind = newer.kind
  AND r.policy_name = %(policy_name)s AND r.run_id <> newer.run_id
  AND r.started_at <= newer.started_at
  AND (p.state = 'waiting' OR (p.state = 'planned' AND r.state IN ('stopped', 'failed'))
       OR (p.state = 'approved' AND r.policy_digest <> newer.policy_digest))
  AND EXISTS (SELECT FROM lethe.plan_rule AS n
              WHERE n.run_id = newer.run_id AND n.rule = p.rule)
  AND NOT (r.policy_digest = newer.policy_digest
           AND EXISTS (SELECT FROM lethe.approval AS a
                       WHERE a.digest = p.digest AND a.policy_digest = r.policy_digest
                         AND a.run_id = p.run_id))
RETURNING p.run_id, p.rule
