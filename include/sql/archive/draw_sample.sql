-- Draw records to be opened: some at random, and one under every wrapping key.
-- identifiers: none
-- values: size (bigint)
-- locks: none
WITH span AS (
    SELECT coalesce(max(leaf_no), -1) + 1 AS leaves FROM lethe.archive_record
),
drawn AS (
    SELECT DISTINCT floor(random() * span.leaves)::bigint AS leaf_no
    FROM span, generate_series(1, %(size)s)
),
appends AS (
    SELECT wrap_key, tree_size AS last,
           coalesce(lag(tree_size) OVER (ORDER BY head_no), 0) AS first
    FROM lethe.archive_head
),
under AS (
    SELECT DISTINCT ON (a.wrap_key) f.leaf_no
    FROM appends AS a
    CROSS JOIN LATERAL (SELECT r.leaf_no FROM lethe.archive_record AS r
                        WHERE r.leaf_no >= a.first AND r.leaf_no < a.last LIMIT 1) AS f
    ORDER BY a.wrap_key, f.leaf_no
)
SELECT r.leaf_no FROM lethe.archive_record AS r JOIN drawn USING (leaf_no)
UNION
SELECT leaf_no FROM under
