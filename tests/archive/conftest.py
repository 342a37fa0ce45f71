"""The small shop, archived."""

from __future__ import annotations

import pytest

from tests.archive.shop import DDL, POLICY
from tests.kit import Kit, MakeKit


@pytest.fixture
def shop(make_kit: MakeKit) -> Kit:
    """A shop with two accounts and four issued invoices."""
    return make_kit(DDL, POLICY)
