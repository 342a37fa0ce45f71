-- Files and other systems: what was confirmed in a period, and what is open or set aside today.
-- identifiers: none
-- values: begins, ends (timestamptz, end excluded)
-- locks: none
SELECT system,
       count(*) FILTER (WHERE outcome IN ('done', 'absent')
                        AND finished_at >= %(begins)s AND finished_at < %(ends)s) AS confirmed,
       count(*) FILTER (WHERE outcome IS NULL) AS open,
       count(*) FILTER (WHERE outcome = 'quarantined') AS set_aside,
       min(intended_at) FILTER (WHERE outcome IS NULL) AS oldest_open
FROM lethe.outbox
GROUP BY system
ORDER BY system COLLATE "C"
