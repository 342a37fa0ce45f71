-- Record a decision about a digest; the server stamps the role that decided.
-- identifiers: none
-- values: run_id (uuid or NULL), rule (text or NULL), digest, policy_digest (bytea),
--         decision, decided_by, reason (text)
-- locks: the new row
INSERT INTO lethe.approval (run_id, rule, digest, policy_digest, decision, decided_by, reason)
VALUES (%(run_id)s, %(rule)s, %(digest)s, %(policy_digest)s, %(decision)s, %(decided_by)s, %(reason)s)
