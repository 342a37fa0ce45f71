"""A home of its own for every test of the platform, ended and removed afterwards."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from demo.platform import lifecycle
from demo.platform.home import Home


@pytest.fixture
def home() -> Iterator[Home]:
    folder = Path(tempfile.mkdtemp(prefix="lethe-test-"))
    folder.chmod(0o755)
    home = Home(folder / "var")
    try:
        yield home
    finally:
        lifecycle.bring_down(home)
        shutil.rmtree(folder)
