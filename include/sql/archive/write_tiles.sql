-- Write tiles of the tree; one that is there only grows.
-- identifiers: none
-- values: levels (smallint[]); in the same order tiles (bigint[]), hashes (bytea[])
-- locks: the rows
INSERT INTO lethe.archive_tile AS t (level, tile_no, hashes)
SELECT * FROM unnest(%(levels)s::smallint[], %(tiles)s::bigint[], %(hashes)s::bytea[])
ON CONFLICT (level, tile_no) DO UPDATE SET hashes = excluded.hashes
