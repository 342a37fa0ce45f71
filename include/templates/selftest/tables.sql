-- What the eraser proves itself on before each run: temporary tables, gone with their transaction.
-- Day 0 is 2 January 2026; the period is two years: 2 January 2024 is the last day that is not due.
CREATE TEMPORARY TABLE lethe_person (
    id int PRIMARY KEY, mail text, ended_on date, restricted boolean NOT NULL DEFAULT false);
CREATE TEMPORARY TABLE lethe_basket (
    id int PRIMARY KEY, person_id int NOT NULL REFERENCES pg_temp.lethe_person);
CREATE TEMPORARY TABLE lethe_line (
    id int PRIMARY KEY, basket_id int NOT NULL REFERENCES pg_temp.lethe_basket ON DELETE CASCADE,
    added_on date);
CREATE TEMPORARY TABLE lethe_contact (id int PRIMARY KEY);
CREATE TEMPORARY TABLE lethe_person_contact (
    person_id int NOT NULL REFERENCES pg_temp.lethe_person,
    contact_id int NOT NULL REFERENCES pg_temp.lethe_contact,
    PRIMARY KEY (person_id, contact_id));
CREATE TEMPORARY TABLE lethe_click (id int PRIMARY KEY, person_id int);
CREATE TEMPORARY TABLE lethe_invoice (
    id int PRIMARY KEY, person_id int REFERENCES pg_temp.lethe_person, payer text);
CREATE TEMPORARY TABLE lethe_outside (
    id int PRIMARY KEY, person_id int REFERENCES pg_temp.lethe_person ON DELETE CASCADE);
INSERT INTO pg_temp.lethe_person (id, mail, ended_on, restricted) VALUES
    (1, 'due', '2024-01-01', false),
    (2, 'on the last day', '2024-01-02', false),
    (3, 'a newer row', '2020-01-01', false),
    (4, 'referenced from outside', '2020-01-01', false),
    (5, 'restricted', '2020-01-01', true),
    (6, 'an implausible date', '1970-01-01', false),
    (7, 'no date', NULL, false),
    (8, 'due', '2020-01-01', false);
INSERT INTO pg_temp.lethe_basket SELECT id, id FROM pg_temp.lethe_person;
INSERT INTO pg_temp.lethe_line
SELECT id, id, CASE id WHEN 3 THEN date '2025-12-31' ELSE date '2019-01-01' END
FROM pg_temp.lethe_person;
INSERT INTO pg_temp.lethe_contact SELECT generate_series(1, 9);
INSERT INTO pg_temp.lethe_person_contact SELECT id, id FROM pg_temp.lethe_person;
INSERT INTO pg_temp.lethe_person_contact VALUES (1, 2), (1, 8), (8, 9), (2, 9);
INSERT INTO pg_temp.lethe_click SELECT id, id FROM pg_temp.lethe_person;
INSERT INTO pg_temp.lethe_invoice SELECT id, id, 'payer' FROM pg_temp.lethe_person WHERE id IN (2, 8);
INSERT INTO pg_temp.lethe_outside VALUES (4, 4)
