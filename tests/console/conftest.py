"""The page in this process: Airflow's own sign-in, a real warehouse with a set over its cap."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import psycopg2
import pytest
from lethe.reporting.json_form import as_json
from lethe.reporting.summary import Summary
from lethe.retention.approved import open_questions
from psycopg2.extras import Json

from tests.kit import TODAY, Kit, MakeKit
from tests.reporting.examples import KEPT

USERS = {"engineer": "op", "dpo": "viewer", "viewer": "viewer"}
DDL = """
CREATE TABLE public.reader (id int PRIMARY KEY, email text, left_on date, is_vip boolean);
INSERT INTO public.reader
SELECT n, 'r' || n || '@example.invalid', date '2020-01-31' + n, n % 10 = 0
FROM generate_series(1, 120) AS n;
CREATE TABLE public.visitor (id int PRIMARY KEY, cookie text, seen_on date);
INSERT INTO public.visitor SELECT n, 'c' || n, '2021-01-31' FROM generate_series(1, 3) AS n;
"""
POLICY = """
guards:
  approvers: [{user: dpo, name: Office of the officer}]
  cap: {subjects: 5}
  risk_flags:
    vip:
      subject: reader
      where: [{column: is_vip, equals: true}]
      title: {en: "a very important reader", fr: "un lecteur très important"}
subjects:
  reader: {table: public.reader, key: id, identifiers: {email: email}}
  visitor: {table: public.visitor, key: id}
clusters:
  reader: {subject: reader}
  visitor: {subject: visitor}
tables:
  public.reader:
    {cluster: reader, columns: {email: contact}, not_personal: [id, left_on, is_vip]}
  public.visitor:
    {cluster: visitor, columns: {cookie: contact}, not_personal: [id, seen_on]}
rules:
  reader-left: {cluster: reader, starting_point: {latest: [{column: left_on}]}}
  visitor-gone: {cluster: visitor, starting_point: {latest: [{column: seen_on}]}}
"""


@pytest.fixture(scope="session")
def sign_in() -> Iterator[Callable[[str], str]]:
    """Airflow's real sign-in with its own small database; gives the token of a user."""
    settings = {
        "AIRFLOW__CORE__AUTH_MANAGER": "lethe_sign_in.ApproverAuthManager",
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS": ",".join(f"{u}:{r}" for u, r in USERS.items()),
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS": "False",
        "AIRFLOW__LETHE__APPROVERS": "dpo",
        "AIRFLOW__API__SECRET_KEY": "s" * 32,
        "AIRFLOW__API_AUTH__JWT_SECRET": "j" * 64,
    }
    with pytest.MonkeyPatch.context() as patch:
        for name, value in settings.items():
            patch.setenv(name, value)
        from airflow import settings as airflow_settings
        from airflow.api_fastapi.app import create_auth_manager, purge_cached_app
        from airflow.api_fastapi.auth.managers.simple.user import SimpleAuthManagerUser
        from airflow.models import import_all_models
        from airflow.models.base import Base

        assert os.environ["AIRFLOW_HOME"] in str(airflow_settings.engine.url)
        import_all_models()
        Base.metadata.create_all(airflow_settings.engine)
        purge_cached_app()
        manager = create_auth_manager()

        def token(user: str) -> str:
            return manager.generate_jwt(SimpleAuthManagerUser(username=user, role=USERS[user]))

        yield token
        purge_cached_app()


@dataclass
class World:
    """A warehouse with a waiting set, and the page over it."""

    kit: Kit
    token: Callable[[str], str]
    app: Any

    def client(self, user: str | None = None, **headers: str) -> Any:
        """A browser, signed in as a user."""
        from fastapi import FastAPI
        from fastapi.testclient import TestClient

        airflow = FastAPI()
        airflow.mount("/lethe", self.app)
        cookies = {"_token": self.token(user)} if user else {}
        return TestClient(
            airflow,
            base_url="http://localhost",
            cookies=cookies,
            headers={"Accept-Language": "en", **headers},
            follow_redirects=False,
        )

    @property
    def waiting(self) -> tuple[str, str]:
        """Run and digest of the set that waits."""
        ((run, digest),) = self.kit.execute(
            "SELECT run_id::text, encode(digest, 'hex') FROM lethe.plan_rule"
            " WHERE rule = 'reader-left' AND state = 'waiting'"
        )
        return run, digest

    @property
    def set_path(self) -> str:
        return f"/lethe/waiting/{self.waiting[0]}/reader-left"

    def tell(self, summary: Summary) -> None:
        """Leave a summary, as a report does."""
        write_summary(self.kit.dsn, self.kit.loaded.policy.policy.name, summary)


def write_summary(dsn: str, policy_name: str, summary: Summary) -> None:
    connection = psycopg2.connect(dsn)
    with connection, connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO lethe.summary (policy_name, period, first_on, last_on, document)"
            " VALUES (%s, %s, %s, %s, %s)",
            (policy_name, summary.period, summary.first, summary.last, Json(as_json(summary))),
        )
    connection.close()


@pytest.fixture
def world(make_kit: MakeKit, sign_in: Callable[[str], str]) -> World:
    from lethe.console.app import make_app

    kit = make_kit(DDL, POLICY)
    kit.sweep(TODAY)
    open_questions(kit.site)
    found = World(kit, sign_in, make_app(lambda: kit.site))
    found.tell(KEPT)
    return found


def home_of(world: World) -> Path:
    return world.kit.home


def day(text: str) -> date:
    return date.fromisoformat(text)
