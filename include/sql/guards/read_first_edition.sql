-- Say when a policy was first seen here.
-- identifiers: none
-- values: name (text)
-- locks: none
SELECT min(first_seen_at)::date FROM lethe.policy_version WHERE name = %(name)s
