-- Say of parts of a kind of document that every document is archived as it is.
-- identifiers: none
-- values: document_type (text), policy (bytea), parts (integer[]); in the same order documents
--         (bigint[]), sums (numeric[]), outcomes (text[], JSON)
-- locks: the rows
INSERT INTO lethe.archive_unchanged AS u
    (document_type, part, policy_digest, documents, fingerprint, outcomes)
SELECT %(document_type)s, d.part, %(policy)s, d.documents, d.fingerprint, d.outcomes::jsonb
FROM unnest(%(parts)s::integer[], %(documents)s::bigint[], %(sums)s::numeric[],
            %(outcomes)s::text[]) AS d(part, documents, fingerprint, outcomes)
ON CONFLICT (document_type, part) DO UPDATE
SET policy_digest = excluded.policy_digest, documents = excluded.documents,
    fingerprint = excluded.fingerprint, outcomes = excluded.outcomes
