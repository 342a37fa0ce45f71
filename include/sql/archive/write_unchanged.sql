-- Say of parts of a kind of document that every document is archived as it is.
-- identifiers: none
-- values: document_type (text), policy (bytea), parts (integer[]); in the same order documents
--         (bigint[]), sums (numeric[]), outcomes (text[], JSON), tokens (bytea[])
-- locks: the rows
INSERT INTO lethe.archive_unchanged AS u
    (document_type, part, policy_digest, documents, fingerprint, outcomes, token)
SELECT %(document_type)s, d.part, %(policy)s, d.documents, d.fingerprint, d.outcomes::jsonb, d.token
FROM unnest(%(parts)s::integer[], %(documents)s::bigint[], %(sums)s::numeric[],
            %(outcomes)s::text[], %(tokens)s::bytea[])
    AS d(part, documents, fingerprint, outcomes, token)
ON CONFLICT (document_type, part) DO UPDATE
SET policy_digest = excluded.policy_digest, documents = excluded.documents,
    fingerprint = excluded.fingerprint, outcomes = excluded.outcomes, token = excluded.token
