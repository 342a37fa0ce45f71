-- Record an edition of the policy the first time that it is seen.
-- identifiers: none
-- values: digest (bytea), name, version, source (text), effective_from, announced_on (date)
-- locks: the new row
INSERT INTO lethe.policy_version (digest, name, version, effective_from, source, announced_on)
VALUES (%(digest)s, %(name)s, %(version)s, %(effective_from)s, %(source)s, %(announced_on)s)
ON CONFLICT (digest) DO NOTHING
