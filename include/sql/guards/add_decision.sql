-- Record what a named person decided about what a rule cannot date; the server stamps the role.
-- identifiers: none
-- values: rule, about, decision, reason, by (text), review_on (date)
-- locks: the new row
INSERT INTO lethe.decision (rule, about, decision, reason, review_on, decided_by)
VALUES (%(rule)s, %(about)s, %(decision)s, %(reason)s, %(review_on)s, %(by)s)
