-- Write beside a run what became of its canaries.
-- identifiers: none
-- values: run_id (uuid), canaries (jsonb)
-- locks: the row of the run
UPDATE lethe.run
SET summary = summary || jsonb_build_object('canaries', %(canaries)s::jsonb)
WHERE run_id = %(run_id)s
