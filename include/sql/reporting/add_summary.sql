-- Keep a Summary for the page; the newest one of a period counts.
-- identifiers: none
-- values: policy_name, period (text), first_on, last_on (date), made_at (timestamptz), document (jsonb)
-- locks: none
INSERT INTO lethe.summary (policy_name, period, first_on, last_on, made_at, document)
VALUES (%(policy_name)s, %(period)s, %(first_on)s, %(last_on)s, %(made_at)s, %(document)s::jsonb)
ON CONFLICT (policy_name, period, last_on, made_at) DO NOTHING
