-- Say which documents the archive holds, and the digest of what is bound to them.
-- identifiers: none
-- values: document_type (text), keys (text[], each the text form of text[]), digests (bytea[]),
--         leaves (bigint[]), at (timestamptz)
-- locks: the rows
INSERT INTO lethe.archived_document AS a (document_type, key, bound_digest, leaf_no, archived_at)
SELECT %(document_type)s, d.key::text[], d.digest, d.leaf, %(at)s
FROM unnest(%(keys)s::text[], %(digests)s::bytea[], %(leaves)s::bigint[]) AS d(key, digest, leaf)
ON CONFLICT (hash_array_extended(key, 0), document_type, key) DO UPDATE
SET bound_digest = excluded.bound_digest, leaf_no = excluded.leaf_no,
    archived_at = excluded.archived_at
