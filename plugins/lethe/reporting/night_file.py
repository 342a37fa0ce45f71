"""The figures of a closed sweep, as a file under LETHE_HOME and as a sentence."""

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
    document = {"state": run.state, "seal_no": run.seal_no, **run.summary}
    part = path.with_name(f"{path.name}.part")
    part.write_text(json.dumps(document, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
    return part.replace(path)


def sweep_in_words(run: Run) -> str:
    """The night in one line: for the note on its run."""
    rules = run.summary.get("rules", ())
    erased = sum(each["erased"] for each in rules)
    stayed = sum(sum(each["kept"].values()) for each in rules)
    waiting = [each["rule"] for each in rules if each["state"] == "waiting"]
    said = f"{run.as_of}: {erased:,} erased, {stayed:,} stayed with a reason"
    return f"{said}; waiting for approval: {', '.join(waiting)}" if waiting else said
