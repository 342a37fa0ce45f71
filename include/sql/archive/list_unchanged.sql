-- List the parts of a kind of document that were found unchanged under a policy.
-- identifiers: none
-- values: document_type (text), policy (bytea)
-- locks: none
SELECT part, documents, fingerprint, outcomes::text
FROM lethe.archive_unchanged
WHERE document_type = %(document_type)s AND policy_digest = %(policy)s
