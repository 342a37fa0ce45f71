-- List holds and restrictions; a subject appears by the token of the ledger row that added it.
-- identifiers: none
-- values: released (boolean: those too that were released)
-- locks: none
WITH listed AS (
    SELECT hold_id AS id, 'hold' AS sort, subject_kind, query_name, reason, owner, review_on,
           created_at, created_by, released_at, released_by
    FROM lethe.hold
    WHERE released_at IS NULL OR %(released)s
    UNION ALL
    SELECT restriction_id, 'restriction', subject_kind, query_name, reason, owner, review_on,
           created_at, created_by, released_at, released_by
    FROM lethe.restriction
    WHERE released_at IS NULL OR %(released)s
)
SELECT l.id, l.sort, l.subject_kind, l.query_name, t.subject_token, l.reason, l.owner, l.review_on,
       l.created_at, l.created_by, l.released_at, l.released_by
FROM listed AS l
LEFT JOIN lethe.ledger AS t
       ON t.run_id IS NULL AND t.kind = l.sort || '_added' AND t.payload ->> 'id' = l.id::text
ORDER BY l.review_on, l.created_at, l.id
