-- Begin a run, or find the one of that name again.
-- identifiers: none
-- values: kind, name, policy_name, policy_version, requested_by (text), policy_digest (bytea),
--         as_of (date)
-- locks: the new row
WITH begun AS (
    INSERT INTO lethe.run (kind, name, policy_name, policy_version, policy_digest, as_of, requested_by)
    VALUES (%(kind)s, %(name)s, %(policy_name)s, %(policy_version)s, %(policy_digest)s, %(as_of)s,
            %(requested_by)s)
    ON CONFLICT (kind, name) WHERE name IS NOT NULL DO NOTHING
    RETURNING run_id, state, policy_digest, as_of
)
SELECT run_id, state, policy_digest, as_of FROM begun
UNION ALL
SELECT run_id, state, policy_digest, as_of FROM lethe.run
WHERE kind = %(kind)s AND name = %(name)s
LIMIT 1
