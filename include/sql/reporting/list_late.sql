-- Alarms of late nights that went out and have no all-clear yet, of nights that are done since.
-- identifiers: none
-- values: policy_name (text)
-- locks: none
SELECT m.recipient, m.last_on, r.finished_at
FROM lethe.report_mail AS m
CROSS JOIN LATERAL (
    SELECT min(r.finished_at) AS finished_at FROM lethe.run AS r
    WHERE r.kind = 'sweep' AND r.as_of = m.last_on AND r.state IN ('done', 'waiting', 'stopped')
) AS r
WHERE m.policy_name = %(policy_name)s AND m.period = 'late' AND m.correction = 0
  AND m.state <> 'failed' AND r.finished_at > m.claimed_at
  AND m.claimed_at > now() - interval '31 days'
  AND NOT EXISTS (SELECT FROM lethe.report_mail AS c
                  WHERE c.policy_name = m.policy_name AND c.period = 'late'
                    AND c.last_on = m.last_on AND c.recipient = m.recipient
                    AND c.correction = 1 AND c.state = 'sent')
ORDER BY m.last_on, m.recipient
