-- Record a decision about the diff of an edition; the server stamps the role that decided.
-- identifiers: none
-- values: digest, policy_digest (bytea), decision, decided_by, reason (text)
-- locks: the new row
INSERT INTO lethe.approval (kind, digest, policy_digest, decision, decided_by, reason)
VALUES ('policy', %(digest)s, %(policy_digest)s, %(decision)s, %(decided_by)s, %(reason)s)
