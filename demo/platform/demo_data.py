"""Fill the demo's warehouse, or find it filled."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import date, timedelta

import psycopg2

from demo.platform.errors import PlatformError
from demo.platform.home import Home, write_private
from demo.warehouse.load import DEFAULT_ACCOUNTS, LoadRefusedError, load_warehouse, read_marker
from demo.warehouse.raw_logs import write_raw_logs


def fill_warehouse(dsn: str, empty: Callable[[], None], tell: Callable[[str], None]) -> str:
    """Load the demo warehouse; returns a sentence about what it holds.

    One that is there stays as it is. Only where its size is not the one that
    `LETHE_DEMO_ACCOUNTS` asks for, or another version of the generator made it, the whole
    database is made `empty` and filled anew.
    """
    present = _present_accounts(dsn)
    accounts = _wanted_accounts() or present or DEFAULT_ACCOUNTS
    try:
        loaded = load_warehouse(dsn, accounts)
    except LoadRefusedError as refusal:
        if present is None:
            raise PlatformError(f"the demo warehouse was not loaded: {refusal}") from refusal
        tell(f"{refusal}: filling it anew")
        empty()
        loaded = load_warehouse(dsn, accounts)
    if loaded.already_there:
        return f"there already: {loaded.marker}"
    return f"{sum(loaded.rows.values()):,} rows in {len(loaded.rows)} tables: {loaded.marker}"


def leave_raw_logs(home: Home, today: date) -> str:
    """Leave the raw logs of yesterday where the policy looks for them, once a day."""
    note = home.run / "raw-logs"
    if note.exists() and note.read_text().strip() == today.isoformat():
        return "left already today"
    written = write_raw_logs(home.logs / "raw", today - timedelta(days=1))
    write_private(note, f"{today.isoformat()}\n")
    return f"{len(written)} files"


def is_prepared(dsn: str) -> bool:
    """Tell whether the demo warehouse is filled and knows Lethe."""
    connection = psycopg2.connect(dsn)
    try:
        with connection.cursor() as cursor:
            filled = read_marker(cursor) is not None
            cursor.execute("SELECT to_regnamespace('lethe') IS NOT NULL")
            return filled and cursor.fetchone() == (True,)
    finally:
        connection.close()


def _wanted_accounts() -> int | None:
    text = os.environ.get("LETHE_DEMO_ACCOUNTS")
    if not text:
        return None
    if not text.isdigit() or not int(text):
        raise PlatformError(f"LETHE_DEMO_ACCOUNTS={text} is no number of accounts; give 400 or so")
    return int(text)


def _present_accounts(dsn: str) -> int | None:
    connection = psycopg2.connect(dsn)
    try:
        with connection.cursor() as cursor:
            marker = read_marker(cursor)
    finally:
        connection.close()
    return marker.accounts if marker else None
