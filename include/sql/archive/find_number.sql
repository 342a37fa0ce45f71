-- Find every version of the documents that ever had a number: they are bound to one version of party
-- data, by which indexes find them.
-- identifiers: none
-- values: number, type (text; NULL: any)
-- locks: none
WITH known AS (
    SELECT DISTINCT d.document_type, d.document_key, d.party_no, p.subject_key
    FROM lethe.archive_record AS d
    JOIN lethe.archive_record AS p ON p.leaf_no = d.party_no
    WHERE d.kind = 'document' AND d.number = %(number)s
      AND (%(type)s::text IS NULL OR d.document_type = %(type)s)
)
SELECT r.leaf_no
FROM known AS k
CROSS JOIN LATERAL (
    SELECT v.leaf_no, v.document_type, v.document_key FROM lethe.archive_record AS v
    WHERE hash_array_extended(v.subject_key, 0) = hash_array_extended(k.subject_key, 0)
      AND v.kind = 'document' AND v.content_token IS NULL AND v.party_no = k.party_no
    UNION ALL
    SELECT v.leaf_no, v.document_type, v.document_key FROM lethe.archive_record AS v
    WHERE v.kind = 'document' AND v.content_token IS NOT NULL AND v.party_no = k.party_no
) AS r
WHERE r.document_type = k.document_type AND r.document_key = k.document_key
ORDER BY r.leaf_no
