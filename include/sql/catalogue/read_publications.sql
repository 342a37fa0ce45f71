-- Name the publications with the tables and schemas that they list.
-- identifiers: none
-- values: none
-- locks: none
SELECT
    p.pubname AS name,
    p.puballtables AS all_tables,
    ARRAY(
        SELECT n.nspname::text
        FROM pg_publication_namespace AS pn
        JOIN pg_namespace AS n ON n.oid = pn.pnnspid
        WHERE pn.pnpubid = p.oid
        ORDER BY n.nspname COLLATE "C"
    ) AS schemas,
    ARRAY(
        SELECT pr.prrelid::bigint FROM pg_publication_rel AS pr WHERE pr.prpubid = p.oid
    ) AS relations,
    p.pubinsert AS insert,
    p.pubupdate AS update,
    p.pubdelete AS delete,
    p.pubtruncate AS truncate
FROM pg_publication AS p
ORDER BY p.pubname COLLATE "C"
