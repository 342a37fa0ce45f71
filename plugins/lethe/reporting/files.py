"""Report files under LETHE_HOME."""

from __future__ import annotations

import json
from pathlib import Path

from lethe.evidence.runs import Run
from lethe.include import home_folder


def write_sweep_summary(run: Run) -> Path:
    """Write the summary of a closed sweep, counts only, and say where."""
    folder = home_folder() / "reports"
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"sweep-{run.run_id}.json"
    part = path.with_suffix(".part")
    document = {"state": run.state, "seal_no": run.seal_no, **run.summary}
    part.write_text(json.dumps(document, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
    part.replace(path)
    return path
