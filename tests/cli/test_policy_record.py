"""`lethe policy record`: the record of processing from a file, without a warehouse."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from lethe.cli.app import main

SMALLEST = Path(__file__).parents[1] / "policy" / "smallest.yaml"


@pytest.fixture
def lethe(capsys: Any) -> Any:
    """Run the command line; gives exit code, standard output and standard error."""

    def run(*arguments: str) -> tuple[int, str, str]:
        code = main(["--policy", str(SMALLEST), *arguments])
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return run


def test_the_files_are_written_and_named_with_the_digest_of_the_policy(
    lethe: Any, tmp_path: Path
) -> None:
    code, out, _ = lethe("policy", "record", "--output", str(tmp_path / "new"), "--json")
    answer = json.loads(out)
    assert code == 0
    assert len(answer["files"]) == 5
    page = (tmp_path / "new" / "record-of-processing.fr.html").read_text(encoding="utf-8")
    assert answer["digest"] in page


def test_a_folder_that_is_a_file_is_a_fault_of_the_call(lethe: Any, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    code, _, said = lethe("policy", "record", "--output", str(tmp_path / "file"))
    assert code == 2
    assert "cannot be written" in said
