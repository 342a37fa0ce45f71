"""What teams write today: objects, loaded and deleted one by one through an ORM's cascade."""

from __future__ import annotations

import time
from contextlib import closing
from typing import Any

import psycopg2
from sqlalchemy import create_engine
from sqlalchemy.ext.automap import automap_base
from sqlalchemy.orm import Session, interfaces
from sqlalchemy.pool import NullPool

from benchmarks.contenders import SELECT_DUE, Erasure, executing
from benchmarks.shop import LAST_DUE, ROWS

_A_COMMIT = 100


def _cascading(
    base: Any,
    direction: Any,
    return_fn: Any,
    attrname: str,
    local_cls: Any,
    referred_cls: Any,
    **options: Any,
) -> Any:
    from sqlalchemy.ext.automap import generate_relationship

    if direction is interfaces.ONETOMANY:
        options["cascade"] = "all, delete-orphan"
    return generate_relationship(
        base, direction, return_fn, attrname, local_cls, referred_cls, **options
    )


def through_orm(dsn: str, most: int | None = None) -> Erasure:
    """Load the due accounts and delete them with what hangs on them, a hundred a commit.

    most  stop after that many accounts: rows a second do not depend on how many there are
    """
    done = Erasure("SQLAlchemy ORM cascade")
    with closing(psycopg2.connect(dsn)) as connection, connection.cursor() as cursor:
        cursor.execute(SELECT_DUE, (LAST_DUE,))
        due = [row[0] for row in cursor.fetchall()][:most]
    engine = create_engine(
        "postgresql+psycopg2://", creator=lambda: psycopg2.connect(dsn), poolclass=NullPool
    )
    base = automap_base()
    base.prepare(engine, schema="shop", generate_relationship=_cascading)
    account = base.classes.account
    with Session(engine) as session, executing(done):
        for at in range(0, len(due), _A_COMMIT):
            begun = time.perf_counter()
            for key in due[at : at + _A_COMMIT]:
                session.delete(session.get_one(account, key))
            session.commit()
            done.transactions.append(time.perf_counter() - begun)
    engine.dispose()
    done.subjects = len(due)
    done.rows = len(due) * sum(ROWS.values())
    return done
