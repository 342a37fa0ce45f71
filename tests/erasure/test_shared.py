"""Rows that hang on several subjects go with the last of them."""

from __future__ import annotations

import pytest

from tests.kit import Kit, MakeKit

CONTACTS = """
CREATE TABLE account (id int PRIMARY KEY, ended_on date);
CREATE TABLE contact (id int PRIMARY KEY, name text);
CREATE TABLE account_contact (account_id int REFERENCES account, contact_id int REFERENCES contact,
                              PRIMARY KEY (account_id, contact_id));
CREATE TABLE phone (id int, contact_id int REFERENCES contact);
INSERT INTO account VALUES (1, '2020-01-01'), (2, '2020-02-01'), (3, '2026-01-01');
INSERT INTO contact VALUES (10, 'of 1'), (20, 'of 1 and 2'), (30, 'of 1 and 3'), (40, 'of 3'),
                           (50, 'of nobody');
INSERT INTO account_contact VALUES (1, 10), (1, 20), (2, 20), (1, 30), (3, 30), (3, 40);
INSERT INTO phone VALUES (100, 10), (200, 20), (300, 30), (400, 40), (500, 50);
"""
CONTACTS_POLICY = """
subjects: {account: {table: public.account, key: id}}
clusters: {c: {subject: account}}
rules: {r: {cluster: c, starting_point: {latest: [{column: ended_on}]}}}
tables:
  public.account: {cluster: c}
  public.contact:
    cluster: c
    links: [{columns: id, to: public.account_contact, references: contact_id}]
  public.account_contact:
    cluster: c
    links: [{columns: account_id, to: public.account}]
  public.phone: {cluster: c}
guards: {batches: {subjects: BATCH}}
"""


@pytest.mark.parametrize("batch", [1, 100])
def test_a_shared_contact_goes_with_its_last_account_in_one_batch_and_in_two(
    make_kit: MakeKit, batch: int
) -> None:
    kit = make_kit(CONTACTS, CONTACTS_POLICY.replace("BATCH", str(batch)))
    run = kit.sweep()
    assert kit.outcome(run) == {"erased": 2}
    assert kit.ids("contact") == [30, 40, 50]
    assert kit.ids("phone") == [300, 400, 500]
    assert kit.ids("account_contact", "account_id") == [3, 3]


def test_a_shared_contact_stays_while_another_account_needs_it(make_kit: MakeKit) -> None:
    kit = make_kit(
        CONTACTS + "UPDATE account SET ended_on = '2026-01-01' WHERE id = 2;",
        CONTACTS_POLICY.replace("BATCH", "100"),
    )
    assert kit.outcome(kit.sweep()) == {"erased": 1}
    assert kit.ids("contact") == [20, 30, 40, 50]
    assert kit.ids("phone") == [200, 300, 400, 500]


def messages(make_kit: MakeKit, batch: int = 100, key: str = "int") -> Kit:
    return make_kit(
        f"""
        CREATE TABLE person (id {key} PRIMARY KEY, ended_on date);
        CREATE TABLE message (id int PRIMARY KEY, sender {key} REFERENCES person,
                              recipient {key} REFERENCES person);
        CREATE TABLE attachment (id int, message_id int NOT NULL REFERENCES message);
        INSERT INTO person VALUES (1, '2020-01-01'), (2, '2020-02-01'), (3, '2026-01-01');
        INSERT INTO message VALUES (12, 1, 2), (13, 1, 3), (31, 3, 1), (33, 3, 3), (11, 1, 1),
                                   (10, 1, NULL), (99, NULL, NULL);
        INSERT INTO attachment SELECT id, id FROM message;
        """,
        f"""
subjects: {{person: {{table: public.person, key: id}}}}
clusters: {{c: {{subject: person}}}}
rules: {{r: {{cluster: c, starting_point: {{latest: [{{column: ended_on}}]}}}}}}
tables:
  public.person: {{cluster: c}}
  public.message:
    cluster: c
    links:
      - {{columns: sender, to: public.person}}
      - {{columns: recipient, to: public.person}}
  public.attachment: {{cluster: c}}
guards: {{batches: {{subjects: {batch}}}}}
""",
    )


@pytest.mark.parametrize(("batch", "key"), [(1, "int"), (100, "int"), (100, "numeric")])
def test_a_message_goes_when_sender_and_recipient_are_gone_and_before_that_only_its_link(
    make_kit: MakeKit, batch: int, key: str
) -> None:
    kit = messages(make_kit, batch, key)
    assert kit.outcome(kit.sweep()) == {"erased": 2}
    assert kit.execute("SELECT id, sender::int, recipient::int FROM message ORDER BY 1") == [
        (13, None, 3),
        (31, 3, None),
        (33, 3, 3),
        (99, None, None),
    ]
    assert kit.ids("attachment") == [13, 31, 33, 99]


def test_cutting_one_link_leaves_the_tenant_in_which_the_other_stands(make_kit: MakeKit) -> None:
    kit = make_kit(
        """
        CREATE TABLE person (tenant int, id int, ended_on date, PRIMARY KEY (tenant, id));
        CREATE TABLE message (id int PRIMARY KEY, tenant int, sender int, recipient int,
                              helper int,
                              FOREIGN KEY (tenant, sender) REFERENCES person,
                              FOREIGN KEY (tenant, recipient) REFERENCES person,
                              FOREIGN KEY (tenant, helper) REFERENCES person);
        INSERT INTO person VALUES (7, 1, '2020-01-01'), (7, 2, '2020-01-01'), (7, 3, '2026-01-01');
        INSERT INTO message VALUES (13, 7, 1, 3, NULL), (31, 7, 3, 1, NULL), (12, 7, 1, 2, NULL),
                                   (33, 7, 3, 3, 1);
        """,
        """
subjects: {person: {table: public.person, key: [tenant, id]}}
clusters: {c: {subject: person}}
rules: {r: {cluster: c, starting_point: {latest: [{column: ended_on}]}}}
tables:
  public.person: {cluster: c}
  public.message:
    cluster: c
    links:
      - {columns: [tenant, sender], to: public.person}
      - {columns: [tenant, recipient], to: public.person}
      - {columns: [tenant, helper], to: public.person, role: reference, when_gone: unlink}
""",
    )
    assert kit.outcome(kit.sweep()) == {"erased": 2}
    assert kit.execute("SELECT id, tenant, sender, recipient, helper FROM message ORDER BY 1") == [
        (13, 7, None, 3, None),
        (31, 7, 3, None, None),
        (33, 7, 3, 3, None),
    ]


def test_a_link_to_nobody_keeps_no_row(make_kit: MakeKit) -> None:
    """No foreign key stands behind it, and the application has removed that account long ago."""
    kit = make_kit(
        """
        CREATE TABLE person (id int PRIMARY KEY, ended_on date);
        CREATE TABLE message (id int PRIMARY KEY, sender int, recipient int);
        INSERT INTO person VALUES (1, '2020-01-01'), (3, '2026-01-01');
        INSERT INTO message VALUES (10, 1, 404), (13, 1, 3);
        """,
        """
subjects: {person: {table: public.person, key: id}}
clusters: {c: {subject: person}}
rules: {r: {cluster: c, starting_point: {latest: [{column: ended_on}]}}}
tables:
  public.person: {cluster: c}
  public.message: {cluster: c, links: [{columns: sender}, {columns: recipient}]}
""",
    )
    assert kit.outcome(kit.sweep()) == {"erased": 1}
    assert kit.execute("SELECT id, sender, recipient FROM message ORDER BY 1") == [(13, None, 3)]
