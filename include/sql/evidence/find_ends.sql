-- Find how transactions ended: committed, aborted, in progress, unknown (too long ago to be known),
-- or unheard of: this cluster has not given out that number, or lost it when its server crashed.
-- identifiers: none
-- values: ids (text[])
-- locks: none
SELECT id, CASE WHEN id::xid8 >= pg_snapshot_xmax(pg_current_snapshot()) THEN 'unheard of'
                ELSE coalesce(pg_xact_status(id::xid8), 'unknown') END
FROM unnest(%(ids)s::text[]) AS id
