-- Release a hold or restriction that is in force.
-- identifiers: list (hold or restriction), id (its key column)
-- values: id (uuid), by, why (text)
-- locks: the row
UPDATE lethe.{list}
SET released_at = now(), released_by = %(by)s, release_reason = %(why)s
WHERE {id} = %(id)s AND released_at IS NULL
RETURNING subject_kind, query_name
