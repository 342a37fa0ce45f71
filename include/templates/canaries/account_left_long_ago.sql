-- Plant an account whose only service, a free trial, ended twenty years ago; gives its key.
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
service AS (
    INSERT INTO commerce.service
        (account_id, product_code, plan_code, hostname, state, is_trial, started_at, ended_at)
    SELECT
        account_id, 'erp', 'start', 'canary.invalid', 'ended', true,
        %(as_of)s::date - interval '21 years', %(as_of)s::date - interval '20 years'
    FROM account
)
SELECT account_id::text FROM account
