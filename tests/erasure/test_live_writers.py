"""A warehouse that lives while it is swept."""

from __future__ import annotations

import os
import random
import threading
import time
from collections.abc import Callable
from typing import Any
from uuid import uuid4

from lethe.retention.night_close import close_night
from lethe.retention.night_guard import guard_night, settle_night
from lethe.retention.night_work import erase_rule, verify_night
from lethe.retention.plan import freeze_plan
from psycopg2 import errors

from tests.kit import TODAY, Kit, MakeKit

ACCOUNTS = int(os.environ.get("LETHE_TEST_LIVE_ACCOUNTS", "600"))
DDL = f"""
CREATE TABLE account (id int PRIMARY KEY, name text);
CREATE TABLE service (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
                      account_id int NOT NULL REFERENCES account, ends_on date);
CREATE TABLE basket (id int PRIMARY KEY, account_id int NOT NULL REFERENCES account);
CREATE TABLE line (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
                   basket_id int NOT NULL REFERENCES basket ON DELETE CASCADE, added_on date);
CREATE TABLE click (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, account_id int);
INSERT INTO account SELECT n, 'a' || n FROM generate_series(1, {ACCOUNTS}) AS n;
INSERT INTO service (account_id, ends_on)
    SELECT n, '2019-12-31' FROM generate_series(1, {ACCOUNTS}) AS n;
INSERT INTO basket SELECT n, n FROM generate_series(1, {ACCOUNTS}) AS n;
INSERT INTO line (basket_id, added_on)
    SELECT n, '2019-01-01' FROM generate_series(1, {ACCOUNTS}) AS n;
INSERT INTO click (account_id) SELECT n FROM generate_series(1, {ACCOUNTS}) AS n;
CREATE INDEX ON service (account_id); CREATE INDEX ON basket (account_id);
CREATE INDEX ON line (basket_id); CREATE INDEX ON click (account_id);
"""
POLICY = """
subjects: {account: {table: public.account, key: id}}
clusters: {c: {subject: account}}
rules:
  r:
    cluster: c
    starting_point:
      latest: [{table: public.service, column: ends_on, running: {column: ends_on, is: "null"}}]
tables:
  public.account: {cluster: c}
  public.service: {cluster: c}
  public.basket: {cluster: c}
  public.line: {cluster: c, activity: added_on}
  public.click: {cluster: c, links: [{columns: account_id, to: public.account, references: id}]}
guards: {cap: {subjects: 100000}, batches: {subjects: 20, lock_timeout_ms: 1000}}
"""


class Writers:
    """Sessions of a live application; what each one was told is kept."""

    def __init__(self, kit: Kit, number: int) -> None:
        self.kit = kit
        self.refused = 0
        self.errors: list[BaseException] = []
        self.longest = 0.0
        self.reactivated: set[int] = set()
        self.active: set[int] = set()
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._live, args=(n,)) for n in range(number)]

    def __enter__(self) -> Writers:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(30)

    def _live(self, seed: int) -> None:
        chance = random.Random(seed)  # noqa: S311 (no secret)
        connection = self.kit.connect()
        acts: list[Callable[[Any, int], None]] = [
            self._reactivate,
            self._add_line,
            self._rename,
            self._click,
        ]
        try:
            while not self._stop.is_set():
                started = time.monotonic()
                try:
                    with connection, connection.cursor() as cursor:
                        chance.choice(acts)(cursor, chance.randint(1, ACCOUNTS))
                        if chance.random() < 0.3:
                            time.sleep(0.01)
                except errors.ForeignKeyViolation:
                    self.refused += 1
                self.longest = max(self.longest, time.monotonic() - started)
                time.sleep(chance.uniform(0, 0.02))
        except BaseException as error:
            self.errors.append(error)
        finally:
            connection.close()

    def _reactivate(self, cursor: Any, account: int) -> None:
        if account % 5:
            return
        cursor.execute("INSERT INTO service (account_id) VALUES (%s)", (account,))
        cursor.connection.commit()
        with self._lock:
            self.reactivated.add(account)

    def _add_line(self, cursor: Any, account: int) -> None:
        if account % 5 != 1:
            return
        cursor.execute(
            "INSERT INTO line (basket_id, added_on) VALUES (%s, '2026-05-01')", (account,)
        )
        cursor.connection.commit()
        with self._lock:
            self.active.add(account)

    def _rename(self, cursor: Any, account: int) -> None:
        cursor.execute("UPDATE account SET name = name || '.' WHERE id = %s", (account,))

    def _click(self, cursor: Any, account: int) -> None:
        cursor.execute("SELECT FROM account WHERE id = %s", (account,))
        if cursor.fetchone() is not None:
            cursor.execute("INSERT INTO click (account_id) VALUES (%s)", (account,))


def test_nobody_who_came_back_is_lost_and_no_orphan_stays(make_kit: MakeKit) -> None:
    kit = make_kit(DDL, POLICY)
    settle_night(kit.site, TODAY)
    run_id = freeze_plan(kit.site, TODAY, name=str(uuid4()))
    guard_night(kit.site, run_id)
    with Writers(kit, 4) as writers:
        time.sleep(0.2)
        failures: list[BaseException] = []

        def work(shard: int) -> None:
            try:
                erase_rule(kit.site, run_id, "r", shard=shard)
            except BaseException as error:
                failures.append(error)

        workers = [threading.Thread(target=work, args=(shard,)) for shard in range(2)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join(120)
        erase_rule(kit.site, run_id, "r")
    run = close_night(kit.site, run_id, verify_night(kit.site, run_id))
    assert not failures
    assert not writers.errors, writers.errors
    assert run.state == "done"
    there = set(kit.ids("account"))
    assert writers.reactivated
    assert writers.reactivated <= there
    assert writers.active <= there
    outcome = kit.outcome(run)
    assert outcome["erased"] == ACCOUNTS - len(there)
    assert sum(outcome.values()) == ACCOUNTS
    for table, column in (
        ("service", "account_id"),
        ("basket", "account_id"),
        ("click", "account_id"),
    ):
        assert set(kit.ids(table, column)) <= there, table
    assert set(kit.ids("line", "basket_id")) <= there
    tokens = kit.erased_tokens()
    assert len(tokens) == len(set(tokens)) == outcome["erased"]
    assert writers.longest < 3.0


def test_two_workers_share_a_set_without_stepping_on_each_other(make_kit: MakeKit) -> None:
    kit = make_kit(DDL, POLICY)
    settle_night(kit.site, TODAY)
    run_id = freeze_plan(kit.site, TODAY, name=str(uuid4()))
    guard_night(kit.site, run_id)
    done: list[int] = []
    workers = [
        threading.Thread(
            target=lambda shard=shard: done.append(
                erase_rule(kit.site, run_id, "r", shard=shard).done
            )
        )
        for shard in range(3)
    ]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(120)
    run = close_night(kit.site, run_id, verify_night(kit.site, run_id))
    assert sum(done) == ACCOUNTS
    assert kit.outcome(run) == {"erased": ACCOUNTS}
    assert min(done) > 0
    assert len(set(kit.erased_tokens())) == ACCOUNTS
    rows = kit.execute(
        "SELECT sum(locked), sum(deleted) FROM lethe.plan_table WHERE table_name = 'public.account'"
    )
    assert rows == [(ACCOUNTS, ACCOUNTS)]
