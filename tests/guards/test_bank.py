"""An account number is seen before it is sealed, and nothing else is taken for one."""

from __future__ import annotations

import pytest
from lethe.guards.bank import holds_account


@pytest.mark.parametrize(
    "text",
    [
        '{"note": "LU280019400644750000"}',
        "lu28 0019 4006 4475 0000 svp",
        "GB82 WEST 1234 5698 7654 32",
        "ibanDE89370400440532013000",
        "FR14\u00a02004\u00a01010\u00a00505\u00a00001\u00a03M02\u00a0606",
        "NO93.8601.1117.947",
    ],
)
def test_a_whole_account_is_seen(text: str):
    assert holds_account(text)


@pytest.mark.parametrize(
    "text",
    [
        "LU280019400644750001",
        "LU10ZZZ0000000000009999",
        "LU28001940064475000012",
        "TVA LU46345678 Luxembourg",
        "psn:lu280019400644750000abc",
        "INV-2024-00000012",
        "",
    ],
)
def test_what_is_none_is_not_taken_for_one(text: str):
    assert not holds_account(text)
