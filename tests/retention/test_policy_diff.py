"""The diff by rows: who becomes due by a new edition, who is kept longer, cluster by cluster."""

from __future__ import annotations

from datetime import date, timedelta

from lethe.policy.load import LoadedPolicy
from lethe.policy.periods import Period, due_from
from lethe.retention.policy_diff import RowChange, diff_rows, say_rows

from tests.shop import POLICY, Shop

TODAY = date(2026, 6, 1)


def diff(shop: Shop, new: LoadedPolicy, old: LoadedPolicy | None = None) -> list[RowChange]:
    before, after = shop.graph(old), shop.graph(new)
    return diff_rows(shop.act("planner"), before, after, TODAY)


def whole(
    changes: list[RowChange], cluster: str = "account", days: int = 0
) -> tuple[int, int, int]:
    (found,) = [c for c in changes if (c.cluster, c.rule, c.days) == (cluster, None, days)]
    return found.erased, found.kept, found.both


def test_a_shorter_period_erases_more_and_a_longer_one_keeps_longer(shop: Shop) -> None:
    days = [date(2022, 1, 1) + timedelta(days=27 * number) for number in range(60)]
    shop.add_customers(*days)
    expected = {}
    for text in ("P18M", "P30M"):
        old = {n for n, day in enumerate(days) if due_from(day, Period.parse("P2Y")) <= TODAY}
        new = {n for n, day in enumerate(days) if due_from(day, Period.parse(text)) <= TODAY}
        expected[text] = (len(new - old), len(old - new), len(old & new))
        changes = diff(shop, shop.edition(("period: P2Y", f"period: {text}")))
        assert whole(changes) == expected[text]
        assert whole(changes, "subscription") == (0, 0, 0)
    assert expected["P18M"][0] > 0
    assert expected["P30M"][1] > 0


def test_a_subject_that_goes_over_to_another_rule_is_neither(shop: Shop) -> None:
    shop.add_customers(date(2020, 1, 1), date(2020, 1, 1), date(2025, 1, 1))
    shop.execute("UPDATE crm.customer SET country = 'FR' WHERE customer_id >= 2")
    new = shop.edition(
        (
            "  left:\n",
            "  french:\n    cluster: account\n    clause: retention\n    title: French\n"
            "    where: {column: country, equals: FR}\n    period: P1Y\n    starting_point:\n"
            "      event: end\n      latest: [{column: last_service_ended_on, optional: true}]\n"
            "  left:\n",
        ),
        ("    period: P2Y\n", "    period: P2Y\n    where: {column: country, equals: LU}\n"),
    )
    changes = diff(shop, new)
    assert whole(changes) == (1, 0, 2)
    by_rule = {c.rule: (c.erased, c.kept, c.both) for c in changes if c.rule and c.days == 0}
    assert by_rule == {"inactive": (0, 0, 2), "french": (1, 0, 1), "left": (0, 0, 0)}


def test_held_subjects_are_not_erased_by_either_edition(shop: Shop) -> None:
    shop.add_customers(date(2020, 1, 1), date(2020, 1, 1))
    shop.execute("INSERT INTO crm.invoice VALUES (1, 1, '2019-01-01', NULL)")
    new = shop.edition(
        (
            "  risk_flags:\n",
            "    unpaid_too:\n      subject: customer\n      where: {exists: {table: crm.invoice,"
            " where: {column: paid_on, is: 'null'}}}\n      because: Unpaid\n  risk_flags:\n",
        )
    )
    changes = diff(shop, new)
    assert whole(changes) == (0, 1, 1)


def test_what_falls_due_within_thirty_days_is_counted_beside(shop: Shop) -> None:
    shop.add_customers(date(2024, 6, 10), date(2025, 6, 10), date(2025, 12, 1))
    changes = diff(shop, shop.edition(("period: P2Y", "period: P1Y")))
    assert whole(changes, days=0) == (1, 0, 0)
    assert whole(changes, days=30) == (1, 0, 1)
    (today, *_) = [c for c in changes if c.rule is None]
    graph = shop.graph()
    assert say_rows(graph, graph, today) == (
        "account: this change erases 1 more customers and keeps 0 longer (today)"
    )


def test_a_cluster_that_is_gone_keeps_all_that_was_due(shop: Shop) -> None:
    shop.execute(
        "INSERT INTO crm.reader SELECT gen_random_uuid(), 'a@example.org', '2020-01-01'"
        " FROM generate_series(1, 3)"
    )
    start, end = "  left:\n", "guards:"
    rule = POLICY[POLICY.index(start) : POLICY.index(end)]
    new = shop.edition(
        (rule, ""),
        ("rules: [left]", "rules: [inactive]"),
        ("purpose: news}", "purpose: news, undecided: Nobody knows}"),
    )
    assert whole(diff(shop, new), "subscription") == (0, 3, 0)
    assert whole(diff(shop, shop.loaded, new), "subscription") == (3, 0, 0)
