"""Plan a night in a process of its own: how long it takes, and how much memory Python needs.

`python -m benchmarks.planning` reads DSN and LETHE_HOME from its environment.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
from dataclasses import dataclass

from lethe.catalogue.site import Site

from benchmarks.contenders import plan_with_lethe
from benchmarks.shop import POLICY


@dataclass(frozen=True, slots=True)
class Planning:
    """One plan, read aloud."""

    seconds: float
    accounts: int
    memory_mb: float


def plan_apart(dsn: str) -> Planning:
    """Plan in a fresh process."""
    found = subprocess.run(
        [sys.executable, "-m", "benchmarks.planning"],
        env={**os.environ, "PLAN_DSN": dsn, "PYTHONPATH": os.pathsep.join(sys.path)},
        check=True,
        capture_output=True,
        text=True,
    )
    return Planning(**json.loads(found.stdout))


if __name__ == "__main__":
    took, judged = plan_with_lethe(Site.at(os.environ["PLAN_DSN"], str(POLICY)))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"seconds": took, "accounts": judged, "memory_mb": peak}))
