-- Reports: the newest Summary for the page, and the mails that were claimed, sent or failed.

CREATE TABLE lethe.summary (
    policy_name text        NOT NULL,
    period      text        NOT NULL CHECK (period IN ('day', 'month')),
    first_on    date        NOT NULL,
    last_on     date        NOT NULL CHECK (last_on >= first_on),
    made_at     timestamptz NOT NULL DEFAULT now(),
    document    jsonb       NOT NULL,
    PRIMARY KEY (policy_name, period, last_on, made_at)
);
COMMENT ON TABLE lethe.summary IS
    'What a report said, as the page and the evidence pack read it: counts, days, digests, names of rules. The newest of a period counts.';
CREATE INDEX summary_by_time ON lethe.summary (policy_name, made_at);

CREATE TABLE lethe.report_mail (
    message_id  text        PRIMARY KEY,
    policy_name text        NOT NULL,
    period      text        NOT NULL CHECK (period IN ('day', 'month')),
    last_on     date        NOT NULL,
    correction  integer     NOT NULL DEFAULT 0 CHECK (correction >= 0),
    recipient   text        NOT NULL CHECK (length(recipient) = 64),
    language    text        NOT NULL,
    content     text        NOT NULL CHECK (length(content) = 64),
    state       text        NOT NULL DEFAULT 'claimed' CHECK (state IN ('claimed', 'sent', 'failed')),
    attempts    integer     NOT NULL DEFAULT 0 CHECK (attempts >= 0),
    claimed_at  timestamptz NOT NULL DEFAULT now(),
    finished_at timestamptz,
    size        bigint,
    last_error  text,
    UNIQUE (policy_name, period, last_on, recipient, correction)
);
COMMENT ON TABLE lethe.report_mail IS
    'One row a mail: claimed and committed before it is handed to the server, marked afterwards. A row that stays claimed was perhaps delivered: it is sent again with the same Message-ID, which mail systems drop as a copy.';
COMMENT ON COLUMN lethe.report_mail.recipient IS 'SHA-256 of policy name and address: the address itself stands in the policy alone.';
COMMENT ON COLUMN lethe.report_mail.content IS 'SHA-256 of what the summary says: a report that says the same is not sent again.';
COMMENT ON COLUMN lethe.report_mail.last_error IS 'Class of the error and code of the server''s answer, never its text.';
