-- A hold remembers which key it was laid under: an edition of the policy with another key leaves it no force.

ALTER TABLE lethe.hold
    ADD COLUMN key_of text[],
    ADD COLUMN key_parts integer GENERATED ALWAYS AS (cardinality(key)) STORED;
ALTER TABLE lethe.restriction
    ADD COLUMN key_of text[],
    ADD COLUMN key_parts integer GENERATED ALWAYS AS (cardinality(key)) STORED;
COMMENT ON COLUMN lethe.hold.key_of IS
    'Table (empty: a query) and key columns of the kind of subject when the hold was laid; NULL: laid by an older Lethe.';
COMMENT ON COLUMN lethe.restriction.key_of IS
    'Table (empty: a query) and key columns of the kind of subject when it was laid; NULL: laid by an older Lethe.';
