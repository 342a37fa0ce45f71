"""Fixtures of the eraser's tests."""

from __future__ import annotations

from tests.kit import make_kit as make_kit
from tests.kit import ready_database as ready_database
