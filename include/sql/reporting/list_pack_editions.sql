-- List the editions of the policy of some digests, in the order in which they were seen.
-- identifiers: none
-- values: digests (text[]: hexadecimal)
-- locks: none
SELECT encode(digest, 'hex'), name, version, effective_from, first_seen_at, announced_on,
       source
FROM lethe.policy_version
WHERE encode(digest, 'hex') = ANY(%(digests)s)
ORDER BY first_seen_at, digest
