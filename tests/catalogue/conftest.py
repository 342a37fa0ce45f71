"""A catalogue from a few lines of DDL."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator

import psycopg2
import pytest
from lethe.catalogue.model import Catalogue
from lethe.catalogue.read import read_catalogue
from psycopg2 import errors, extensions, sql


@pytest.fixture
def warehouse(new_database: Callable[[], str]) -> Iterator[extensions.connection]:
    """A connection, in autocommit, to an empty database."""
    connection = psycopg2.connect(new_database())
    connection.autocommit = True
    yield connection
    connection.close()


@pytest.fixture
def catalogue_of(warehouse: extensions.connection) -> Callable[[str], Catalogue]:
    """Run DDL and read the catalogue that comes of it."""

    def read(ddl: str) -> Catalogue:
        with warehouse.cursor() as cursor:
            try:
                cursor.execute(ddl)
            except (errors.SyntaxError, errors.FeatureNotSupported):
                if warehouse.server_version >= 180000:
                    raise
                pytest.skip("this PostgreSQL is too old for what the test is about")
        return read_catalogue(warehouse)

    return read


@pytest.fixture
def new_role(postgres: str) -> Iterator[str]:
    """A role without rights of its own; ask for it before the database where it gets some."""
    name = f"reader_{uuid.uuid4().hex}"
    admin = psycopg2.connect(postgres)
    admin.autocommit = True
    with admin.cursor() as cursor:
        cursor.execute(sql.SQL("CREATE ROLE {} NOLOGIN").format(sql.Identifier(name)))
        yield name
        cursor.execute(sql.SQL("DROP ROLE {}").format(sql.Identifier(name)))
    admin.close()
