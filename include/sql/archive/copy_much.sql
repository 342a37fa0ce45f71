-- Copy a large part of the sealed records out, as `copy_range` does a small one: both tables are read
-- in the order of the leaves, and no hash of a key is computed.
-- identifiers: first, last (whole numbers as literals: COPY binds no values)
-- values: none
-- locks: none
COPY (
    SELECT r.leaf_no, r.wrapped, a.bound_digest, a.archived_at, r.recovery,
           ROW(r.kind, r.document_type, r.document_key, r.number, r.issued_on, r.country,
               r.party_no, r.subject_kind, r.subject_key, encode(r.content_token, 'hex'),
               r.head_no)::text,
           r.sealed
    FROM lethe.archive_record AS r
    LEFT JOIN lethe.archived_document AS a
      ON a.leaf_no = r.leaf_no AND a.document_type = r.document_type AND a.key = r.document_key
      AND a.ended_on IS NULL AND a.leaf_no >= {first} AND a.leaf_no < {last}
    WHERE r.leaf_no >= {first} AND r.leaf_no < {last}
    ORDER BY r.leaf_no
) TO STDOUT (FORMAT binary)
