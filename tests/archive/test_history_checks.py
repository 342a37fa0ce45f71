"""A history says from when its rows held: the policy is told where it does not."""

from __future__ import annotations

import pytest
from lethe.errors import LetheError

from tests.archive.shop import DDL, POLICY
from tests.kit import MakeKit
from tests.small_policy import small_policy

DATES = "\n          valid_from: valid_from\n          valid_to: valid_to"
LINES = "{table: public.invoice_line, columns: [line_no, what]"


@pytest.mark.parametrize(
    ("policy", "word"),
    [
        (POLICY.replace(DATES, ""), "every row of all times"),
        (POLICY.replace("history: public.account_history", "where: []"), "columns of a history"),
        (
            POLICY.replace(
                LINES, f"{LINES}, history: public.account_history, valid_from: valid_from"
            ),
            "only party data have a history",
        ),
    ],
)
def test_a_history_without_dates_or_dates_without_a_history_are_refused(
    policy: str, word: str
) -> None:
    with pytest.raises(LetheError, match=word):
        small_policy(policy)


def test_a_date_of_a_history_is_a_date(make_kit: MakeKit) -> None:
    with pytest.raises(LetheError, match=r"'valid_to' of public\.account_history is text"):
        make_kit(DDL.replace("valid_to date", "valid_to text"), POLICY)
