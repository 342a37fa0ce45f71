"""The preview: due now, within seven days, within thirty."""

from __future__ import annotations

from datetime import date, timedelta

import psycopg2
import pytest
from lethe.retention.preview import preview

from tests.shop import Shop

TODAY = date(2026, 6, 1)
BOUNDARY = date(2024, 5, 31)  # due from today


def test_each_horizon_counts_what_becomes_due_after_today_and_up_to_its_last_day(
    shop: Shop,
) -> None:
    days = (-400, 0, 1, 7, 8, 30, 31)
    shop.add_customers(*(BOUNDARY + timedelta(days=day) for day in days))
    shop.execute("INSERT INTO crm.legal_case VALUES (1, 5, NULL)")
    graph = shop.graph()
    found = preview(shop.act("planner"), graph, TODAY)
    account = [each for each in found if each.rule == "inactive"]
    assert [(each.days, each.due, each.stopped) for each in account] == [
        (0, 2, 0),
        (7, 2, 0),
        (30, 3, 1),
    ]
    assert (account[1].first_on, account[1].last_on) == (
        TODAY + timedelta(days=1),
        TODAY + timedelta(days=7),
    )
    assert [each.due for each in found if each.rule == "left"] == [0, 0, 0]


def test_the_preview_writes_nothing(shop: Shop) -> None:
    graph = shop.graph()
    preview(shop.act("planner"), graph, TODAY)
    with pytest.raises(psycopg2.errors.ReadOnlySqlTransaction), shop.connection.cursor() as c:
        c.execute("CREATE TABLE lethe.anything ()")
