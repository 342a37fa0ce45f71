"""Laws of `dags/`: a new DAG file is judged by arriving."""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[2]
DAGS = sorted((PROJECT / "dags").glob("*.py"))
ALLOWED = {"airflow.sdk", "pendulum", "lethe.tasks"}
HEAVY = ["pandas", "polars", "pyarrow", "psycopg2", "great_expectations", "fastapi", "sqlalchemy"]


@pytest.mark.parametrize("file", DAGS, ids=lambda file: file.stem)
def test_a_dag_file_is_a_title_page(file: Path) -> None:
    text = file.read_text(encoding="utf-8")
    tree = ast.parse(text)
    docstring = ast.get_docstring(tree) or ""
    assert docstring.startswith("# "), "the docstring is the runbook, with a title"
    assert "**If it fails**" in docstring
    assert len(text.splitlines()) <= 60
    assert "doc_md=__doc__" in text
    functions = [node.name for node in tree.body if isinstance(node, ast.FunctionDef)]
    assert functions == [file.stem], "one DAG a file, named like it"


@pytest.mark.parametrize("file", DAGS, ids=lambda file: file.stem)
def test_a_dag_file_imports_airflow_pendulum_and_the_tasks_alone(file: Path) -> None:
    imported = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom):
            imported.add(node.module)
        elif isinstance(node, ast.Import):
            imported |= {name.name for name in node.names}
    assert imported <= ALLOWED


@pytest.mark.parametrize("file", DAGS, ids=lambda file: file.stem)
def test_no_constant_of_a_warehouse_stands_in_a_dag_file(file: Path) -> None:
    text = file.read_text(encoding="utf-8").lower()
    for word in ("select ", "delete from", "variable.get", "insert into"):
        assert word not in text.partition('"""\n\n')[2]


def test_parsing_all_dags_in_a_fresh_process_is_quick_and_loads_nothing_heavy() -> None:
    program = """
import json, runpy, sys, time
import airflow.sdk, pendulum
before = set(sys.modules)
took = {}
for file in sys.argv[1:]:
    started = time.perf_counter()
    runpy.run_path(file)
    took[file] = time.perf_counter() - started
print(json.dumps({"took": took, "loaded": sorted(set(sys.modules) - before)}))
"""
    done = subprocess.run(
        [sys.executable, "-c", program, *map(str, DAGS)],
        env={**os.environ, "PYTHONPATH": str(PROJECT / "plugins")},
        capture_output=True,
        text=True,
        check=True,
    )
    told = json.loads(done.stdout.splitlines()[-1])
    loaded = {name.partition(".")[0] for name in told["loaded"]}
    assert not loaded & set(HEAVY)
    slow = {file: seconds for file, seconds in told["took"].items() if seconds >= 1.0}
    assert not slow


def test_airflow_ignores_the_package_and_runs_only_the_plugin_files() -> None:
    ignored = (PROJECT / "plugins" / ".airflowignore").read_text(encoding="utf-8").split()
    assert "lethe/" in ignored
    assert not (PROJECT / "include" / "__init__.py").exists()
