"""The page in the Airflow UI: time to the first byte of each page, over a large warehouse.

A first backlog of the size that was asked for stands frozen and waits for its approval, with its
list; four hundred nights of thirty rules lie behind it, a ledger row for each of as many
erased people, and the summary of a company with two hundred clauses. Lethe's own tables are as
large as that many accounts make them; those of the warehouse stay small: the reader has no right
to them. Served by uvicorn behind Airflow's own sign-in, asked over HTTP by a client in another
process, one request at a time.
"""

from __future__ import annotations

import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import httpx
import psycopg2
from lethe.catalogue.site import Site
from lethe.reporting.json_form import as_json
from psycopg2.extras import Json

from benchmarks.contenders import set_up_lethe
from benchmarks.options import Options, machine
from benchmarks.report import Report, at_most
from benchmarks.server import SETTINGS, private_server
from benchmarks.shop import fill_shop
from tests.reporting.examples import HUGE

ACCOUNTS = 1_000_000
FIRST_BYTE_MS = 200
ROUNDS = 40
RUN = UUID("0197a1b2-0000-7000-8000-000000000001")
_PAGES = (
    "/", "/clauses", "/waiting", "/rules", "/runs", "/holds", "/evidence", "/quality", "/unknowns",
)  # fmt: skip
_HISTORY = """
INSERT INTO lethe.run (kind, name, policy_name, policy_version, policy_digest, as_of, started_at,
                       finished_at, state, summary)
SELECT 'sweep', 'night ' || n, %(policy)s, '1', %(digest)s, current_date - n, now() - n * interval
       '1 day', now() - n * interval '1 day' + interval '5 minutes', 'done',
       jsonb_build_object('rules', (SELECT jsonb_agg(jsonb_build_object(
           'rule', 'rule-' || r, 'due', 40, 'erased', 38, 'undecided', 0, 'kept',
           jsonb_build_object('held', 2), 'refused', jsonb_build_object('no starting point', 9)))
        FROM generate_series(1, 30) AS r))
FROM generate_series(1, 400) AS n;
INSERT INTO lethe.plan_rule (run_id, rule, subject_kind, cluster, clause, state, planned, counts,
                             digest)
SELECT run_id, 'rule-' || r, 'account', 'account', 's9-account', 'done', 40,
       '{"due": 40, "done": 38}'::jsonb || CASE WHEN r <= 5 THEN
           '{"refused: no starting point": 9, "refused: in the future": 2}'::jsonb ELSE '{}' END,
       sha256((run_id::text || r)::bytea)
FROM lethe.run, generate_series(1, 30) AS r;
INSERT INTO lethe.run (run_id, kind, policy_name, policy_version, policy_digest, as_of, state)
VALUES (%(run)s, 'sweep', %(policy)s, '1', %(digest)s, current_date, 'waiting');
INSERT INTO lethe.plan_rule (run_id, rule, subject_kind, cluster, clause, state, planned, counts,
                             oldest_on, newest_on, over_limit, digest)
VALUES (%(run)s, 'account-inactive', 'account', 'account', 's9-account', 'waiting', %(size)s,
        jsonb_build_object('due', %(size)s), current_date - 3000, current_date,
        'over the cap', sha256('set'));
INSERT INTO lethe.plan_subject (run_id, rule, subject_no, subject_kind, key, due_on)
SELECT %(run)s, 'account-inactive', n, 'account', ARRAY[n::text], current_date - 3000 + n %% 3000
FROM generate_series(1, %(size)s) AS n;
INSERT INTO lethe.ledger (batch, run_id, kind, payload)
SELECT gen_random_uuid(), %(run)s, 'subject_erased', '{"rule": "account-inactive"}'
FROM generate_series(1, %(size)s) AS n;
INSERT INTO lethe.ledger_seal (seal_no, leaf_count, first_id, last_id, merkle_root, previous_hash,
                               seal_hash, sealed_at)
SELECT coalesce(max(s.seal_no), 0) + 1, %(size)s, 1, (SELECT max(id) FROM lethe.ledger),
       sha256('r'), sha256('p'), sha256('s'), now()
FROM lethe.ledger_seal AS s;
INSERT INTO lethe.hold (subject_kind, key, reason, owner, review_on, created_by)
SELECT 'account', ARRAY[n::text], 'case', 'Legal', current_date + n %% 400, 'bench'
FROM generate_series(1, 2000) AS n;
"""


def measure(options: Options) -> Report:
    """Measure every page, and the list of the waiting set with its first, cold reading."""
    accounts = options.size or ACCOUNTS
    report = Report("console", {"accounts": accounts, **machine(), **SETTINGS})
    with (
        tempfile.TemporaryDirectory(prefix="lethe-bench-home-") as home,
        private_server() as server,
    ):
        report.about["server"] = server.show("server_version")
        dsn = server.create("large")
        fill_shop(dsn, min(accounts, 5_000), 0)
        site = set_up_lethe(dsn, Path(home))
        options.tell(f"Freezing a backlog of {accounts:,}, and 400 nights before it")
        _fill(site, dsn, accounts)
        _write_list(Path(home), accounts)
        server.checkpoint()
        with _serving(dsn, Path(home)) as (address, cookie):
            _ask(address, cookie, report, options)
    report.about["load_after"] = machine()["load_before"]
    return report


def _ask(address: str, cookie: str, report: Report, options: Options) -> None:
    own = f"/waiting/{RUN}/account-inactive"
    cold = {
        "the list of the set, read for the first time": own,
    }
    warm = {
        **{path: path for path in _PAGES},
        "the list of the set": own,
        "… sorted by token": f"{own}?sort=token",
        "… filtered, last page": f"{own}?find=2&sort=due_on:desc&page=99999",
        "… as CSV": f"{own}/list.csv",
    }
    rows: list[dict[str, str | int | float]] = []
    with httpx.Client(base_url=address, cookies={"_token": cookie}, trust_env=False) as client:
        rows.append(_row("the very first page of an API server", [_first_byte(client, "/")]))
        for name, path in cold.items():
            rows.append(_row(name, [_first_byte(client, path)]))
        for name, path in warm.items():
            options.tell(f"Asking {name}")
            row = _row(name, [_first_byte(client, path) for _ in range(ROUNDS)])
            rows.append(row)
            if name in _PAGES or name == "the list of the set":
                figure = at_most(f"first byte of {name}", float(row["p95 ms"]), FIRST_BYTE_MS, "ms")
                report.figures.append(figure)
    report.tables["Time to the first byte"] = rows


def _row(name: str, took: list[float]) -> dict[str, str | int | float]:
    took.sort()
    return {
        "page": name,
        "median ms": statistics.median(took),
        "p95 ms": took[max(0, int(len(took) * 0.95) - 1)],
        "longest ms": took[-1],
    }


def _first_byte(client: httpx.Client, path: str) -> float:
    """Milliseconds from asking to the first byte of the body."""
    begun = time.perf_counter()
    with client.stream("GET", f"/lethe{path}", timeout=60) as answer:
        answer.raise_for_status()
        for _ in answer.iter_raw():
            took = time.perf_counter() - begun
            break
        else:
            took = time.perf_counter() - begun
    return took * 1000


def _fill(site: Site, dsn: str, accounts: int) -> None:
    name, _, digest = site.edition
    summary = replace(HUGE, period="day", next_due=datetime.now(UTC) + timedelta(days=1))
    with closing(psycopg2.connect(dsn)) as connection, connection, connection.cursor() as cursor:
        cursor.execute(_HISTORY, {"policy": name, "digest": digest, "run": str(RUN),
                                  "size": accounts})  # fmt: skip
        cursor.execute(
            "INSERT INTO lethe.summary (policy_name, period, first_on, last_on, document)"
            " VALUES (%s, 'day', current_date, current_date, %s)",
            (name, Json(as_json(summary))),
        )
    with closing(psycopg2.connect(dsn)) as connection:
        connection.autocommit = True
        connection.cursor().execute("VACUUM ANALYZE")


def _write_list(home: Path, accounts: int) -> None:
    import hashlib

    folder = home / "reports" / "waiting"
    folder.mkdir(parents=True)
    with (folder / f"{RUN}-account-inactive.csv").open("w", encoding="ascii") as file:
        file.write("token,due_on,vip\n")
        for number in range(accounts):
            token = hashlib.sha256(str(number).encode()).hexdigest()
            day = f"{2018 + number * 8 // accounts}-{number % 12 + 1:02}-{number % 28 + 1:02}"
            file.write(f"{token},{day},{'yes' if number % 50 == 0 else ''}\n")


_SERVER = """
import sys
from airflow import settings
from airflow.models import import_all_models
from airflow.models.base import Base
import_all_models()
Base.metadata.create_all(settings.engine)
from airflow.api_fastapi.app import create_auth_manager
from airflow.api_fastapi.auth.managers.simple.user import SimpleAuthManagerUser
manager = create_auth_manager()
print(manager.generate_jwt(SimpleAuthManagerUser(username="viewer", role="viewer")), flush=True)
import uvicorn
from airflow.api_fastapi.auth.middlewares.refresh_token import JWTRefreshMiddleware
from fastapi import FastAPI
from lethe.catalogue.site import Site
from lethe.console.app import make_app
from benchmarks.contenders import POLICY
site = Site.at(sys.argv[1], str(POLICY))
app = FastAPI()
app.mount("/lethe", make_app(lambda: site))
app.add_middleware(JWTRefreshMiddleware)
uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[2]), log_level="warning")
"""


@contextmanager
def _serving(dsn: str, home: Path) -> Iterator[tuple[str, str]]:
    """The page behind Airflow's sign-in, in a process of its own; gives address and a token."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    project = Path(__file__).resolve().parents[1]
    environment = {
        **os.environ,
        "AIRFLOW_HOME": str(home / "airflow"),
        "AIRFLOW__CORE__AUTH_MANAGER": "lethe_sign_in.ApproverAuthManager",
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS": "viewer:viewer",
        "AIRFLOW__API__SECRET_KEY": "s" * 32,
        "AIRFLOW__API_AUTH__JWT_SECRET": "j" * 64,
        "AIRFLOW__LOGGING__LOGGING_LEVEL": "ERROR",
        "LETHE_HOME": str(home),
        "PYTHONPATH": f"{project / 'plugins'}{os.pathsep}{project}",
    }
    server = subprocess.Popen(
        [sys.executable, "-c", _SERVER, dsn, str(port)],
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert server.stdout is not None
        token = ""
        while token.count(".") != 2:
            token = server.stdout.readline().strip()
            assert server.poll() is None, "the server of the page ended"
        address = f"http://127.0.0.1:{port}"
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            try:
                httpx.get(f"{address}/lethe/", trust_env=False)
                break
            except httpx.TransportError:
                time.sleep(0.2)
        yield address, token
    finally:
        server.terminate()
        server.wait(10)
