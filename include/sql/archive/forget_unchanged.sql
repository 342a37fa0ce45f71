-- Forget which parts of a kind of document were found unchanged: some of them, or all but some.
-- identifiers: none
-- values: document_type (text), parts, kept (integer[]; NULL: every part, none is kept)
-- locks: the deleted rows
DELETE FROM lethe.archive_unchanged
WHERE document_type = %(document_type)s
  AND (%(parts)s::integer[] IS NULL OR part = ANY(%(parts)s::integer[]))
  AND (%(kept)s::integer[] IS NULL OR part <> ALL(%(kept)s::integer[]))
