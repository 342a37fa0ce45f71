-- Read the newest summary of a period that a report left for the page.
-- identifiers: none
-- values: policy_name (text), period (text)
-- locks: none
SELECT document, made_at
FROM lethe.summary
WHERE policy_name = %(policy_name)s AND period = %(period)s
ORDER BY made_at DESC
LIMIT 1
