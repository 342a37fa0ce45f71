-- Name the leaves of frozen clocks.
-- identifiers: none
-- values: kinds (text[]), keys (text[], each the text form of text[]), leaves (bigint[])
-- locks: the rows
UPDATE lethe.archive_frozen AS f
SET sealed_no = d.leaf
FROM unnest(%(kinds)s::text[], %(keys)s::text[], %(leaves)s::bigint[]) AS d(kind, key, leaf)
WHERE f.subject_kind = d.kind AND f.subject_key = d.key::text[]
