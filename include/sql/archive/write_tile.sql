-- Write a tile of the tree; one that is there only grows.
-- identifiers: none
-- values: level (smallint), tile_no (bigint), hashes (bytea)
-- locks: the row
INSERT INTO lethe.archive_tile AS t (level, tile_no, hashes)
VALUES (%(level)s, %(tile_no)s, %(hashes)s)
ON CONFLICT (level, tile_no) DO UPDATE SET hashes = excluded.hashes
