-- The last sweep that was closed and sealed; the state of the very last one.
-- identifiers: none
-- values: policy_name (text)
-- locks: none
SELECT sealed.as_of, sealed.finished_at, newest.as_of, newest.state, newest.reason
FROM (SELECT) AS one
LEFT JOIN LATERAL (
    SELECT as_of, finished_at FROM lethe.run
    WHERE kind = 'sweep' AND policy_name = %(policy_name)s
      AND sealed_seal_no IS NOT NULL AND state IN ('done', 'waiting', 'superseded')
    ORDER BY started_at DESC LIMIT 1) AS sealed ON true
LEFT JOIN LATERAL (
    SELECT as_of, state, reason FROM lethe.run
    WHERE kind = 'sweep' AND policy_name = %(policy_name)s
    ORDER BY started_at DESC LIMIT 1) AS newest ON true
