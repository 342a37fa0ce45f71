-- Read what the archive holds of some frozen subjects: documents, and the party data they hang on.
-- identifiers: none
-- values: run_id (uuid), rule (text), numbers (bigint[])
-- locks: none
WITH held AS MATERIALIZED (
    SELECT s.subject_no, r.leaf_no, r.party_no
    FROM lethe.plan_subject AS s
    JOIN lethe.archive_record AS r
      ON hash_array_extended(r.subject_key, 0) = hash_array_extended(s.key, 0)
      AND r.subject_key = s.key AND r.subject_kind = s.subject_kind AND r.kind <> 'clock'
    WHERE s.run_id = %(run_id)s AND s.rule = %(rule)s AND s.subject_no = ANY(%(numbers)s)
), asked AS MATERIALIZED (
    SELECT subject_no, leaf_no FROM held
    UNION SELECT subject_no, party_no FROM held WHERE party_no IS NOT NULL
)
SELECT q.subject_no, q.leaf_no, h.wrap_key,
       substr(t.hashes, (q.leaf_no %% 256 * 32)::integer + 1, 32) AS leaf,
       r.sealed, r.wrapped, r.recovery, a.bound_digest, r.kind, r.document_type,
       r.document_key::text, r.number, r.issued_on::text, r.country, r.party_no::text,
       r.subject_kind, r.subject_key::text, encode(r.content_token, 'hex'), r.head_no::text
FROM asked AS q
LEFT JOIN lethe.archive_record AS r ON r.leaf_no = q.leaf_no
LEFT JOIN lethe.archive_head AS h ON h.head_no = r.head_no
LEFT JOIN lethe.archive_tile AS t ON t.level = 0 AND t.tile_no = q.leaf_no / 256
LEFT JOIN lethe.archived_document AS a
  ON hash_array_extended(a.key, 0) = hash_array_extended(r.document_key, 0)
  AND a.document_type = r.document_type AND a.key = r.document_key
  AND a.leaf_no = r.leaf_no AND a.ended_on IS NULL
