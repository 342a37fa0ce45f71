-- Of some views, those whose sources a sweep has changed since they were refreshed last.
-- identifiers: none
-- values: views, sources (text[], in pairs), policy_name (text)
-- locks: none
WITH refreshed AS (
    SELECT l.payload ->> 'view' AS view, max(l.at) AS at
    FROM lethe.run AS r
    JOIN lethe.ledger AS l ON l.run_id = r.run_id AND l.kind = 'view_refreshed'
    WHERE r.kind = 'sweep' AND r.policy_name = %(policy_name)s
      AND r.started_at > now() - interval '400 days'
    GROUP BY 1
)
SELECT DISTINCT w.view
FROM unnest(%(views)s::text[], %(sources)s::text[]) AS w (view, source)
LEFT JOIN refreshed AS f ON f.view = w.view
WHERE EXISTS (
    SELECT FROM lethe.run AS r
    JOIN lethe.plan_table AS t USING (run_id)
    WHERE r.kind = 'sweep' AND r.policy_name = %(policy_name)s
      AND r.started_at > now() - interval '400 days'
      AND t.table_name = w.source AND (t.deleted > 0 OR t.changed > 0)
      AND (f.at IS NULL OR r.finished_at IS NULL OR r.finished_at > f.at))
