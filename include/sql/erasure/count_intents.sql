-- Count the intents that nobody has fulfilled, by system, and those that were set aside.
-- identifiers: none
-- values: none
-- locks: none
SELECT system, count(*) FILTER (WHERE outcome IS NULL) AS open,
       count(*) FILTER (WHERE outcome = 'quarantined') AS quarantined,
       min(intended_at) AS oldest
FROM lethe.outbox
WHERE outcome IS NULL OR outcome = 'quarantined'
GROUP BY system
ORDER BY system COLLATE "C"
