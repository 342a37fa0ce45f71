-- List the parts of documents that were found unchanged: of a kind under a policy, or all.
-- identifiers: none
-- values: document_type (text), policy (bytea); NULL: of any
-- locks: none
SELECT document_type, part, policy_digest, documents, fingerprint, outcomes::text, token
FROM lethe.archive_unchanged
WHERE (%(document_type)s::text IS NULL OR document_type = %(document_type)s)
  AND (%(policy)s::bytea IS NULL OR policy_digest = %(policy)s)
