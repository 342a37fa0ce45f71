-- Plant an account that left once, twenty years ago, and has a service running today; gives its key.
-- values: as_of (date)
-- locks: none but its own rows
WITH account AS (
    INSERT INTO crm.account (account_number, holder_name, email, opened_at)
    VALUES (
        'CANARY-' || gen_random_uuid(),
        'Canary',
        'canary-' || gen_random_uuid() || '@canary.invalid',
        %(as_of)s::date - interval '21 years'
    )
    RETURNING account_id
),
services AS (
    INSERT INTO commerce.service
        (account_id, product_code, plan_code, hostname, state, is_trial, started_at, ended_at)
    SELECT
        account_id, 'erp', 'start', 'canary.invalid', s.state, true,
        %(as_of)s::date - interval '21 years', s.ended_at
    FROM
        account,
        (VALUES
            ('ended', %(as_of)s::date - interval '20 years'),
            ('running', NULL)
        ) AS s (state, ended_at)
)
SELECT account_id::text FROM account
