-- The latest decision about what a rule cannot date, by rule and reason of refusal.
-- identifiers: none
-- values: none
-- locks: none
SELECT DISTINCT ON (rule, about) rule, about, decision, reason, review_on, decided_by, decided_at
FROM lethe.decision
ORDER BY rule, about, decided_at DESC
