"""The gates before the tests: `make lint`, quickest first, all of them even if one fails."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

PROJECT = Path(__file__).resolve().parents[2]
CODE = ("dags", "plugins", "demo", "tests", "benchmarks")
TYPED = ("plugins", "demo")


def main() -> int:
    """Run every gate; exit 0 only if all are passed."""
    code = [folder for folder in CODE if (PROJECT / folder).is_dir()]
    gates = {
        "format": ["ruff", "format", "--check", "--quiet", *code],
        "rules": ["ruff", "check", "--quiet", *code],
        "imports": ["lint-imports", "--no-logo"],
        "types": ["mypy", *TYPED],
    }
    if (PROJECT / "plugins" / "lethe" / "policy" / "schema.py").exists():
        gates["schema"] = ["python", "-m", "lethe.policy.schema", "--check"]
    passed = [_tell("lock", *_lock_is_in_step())]
    passed += [_tell(name, *_run(command)) for name, command in gates.items()]
    return 0 if all(passed) else 1


def unlocked_requirements(wanted: str, locked: str) -> list[str]:
    """Name what requirements.in wants and requirements.txt does not lock, or locks otherwise."""
    pins: dict[str, list[Requirement]] = {}
    for line in _lines(locked):
        pin = Requirement(line)
        pins.setdefault(canonicalize_name(pin.name), []).append(pin)
    faults = []
    for line in _lines(wanted):
        wish = Requirement(line)
        found = pins.get(canonicalize_name(wish.name), [])
        versions = [str(pin.specifier).removeprefix("==") for pin in found]
        if not versions:
            faults.append(f"{wish.name} is not in the lock")
        faults += [
            f"{wish.name} is locked at {version}, but {wish.specifier} is wanted"
            for version in versions
            if not wish.specifier.contains(version, prereleases=True)
        ]
    return faults


def _lines(text: str) -> list[str]:
    stripped = (line.partition(" #")[0].strip() for line in text.splitlines())
    return [line for line in stripped if line and not line.startswith(("#", "-"))]


def _lock_is_in_step() -> tuple[bool, str, float]:
    begun = time.monotonic()
    faults = unlocked_requirements(
        (PROJECT / "requirements.in").read_text(encoding="utf-8"),
        (PROJECT / "requirements.txt").read_text(encoding="utf-8"),
    )
    advice = ["requirements.txt is out of step; make lock brings it in"] if faults else []
    return not faults, "\n".join(faults + advice), time.monotonic() - begun


def _run(command: list[str]) -> tuple[bool, str, float]:
    begun = time.monotonic()
    program = Path(sys.prefix) / "bin" / command[0]
    done = subprocess.run(
        [str(program), *command[1:]],
        check=False,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        cwd=PROJECT,
        env=os.environ | {"PYTHONPATH": "plugins"},
    )
    return done.returncode == 0, done.stdout, time.monotonic() - begun


def _tell(name: str, passed: bool, words: str, seconds: float) -> bool:
    print(f"{'passed' if passed else 'FAILED'}  {name}  {seconds:.1f} s", flush=True)
    if not passed:
        print(words.rstrip(), flush=True)
    return passed


if __name__ == "__main__":
    sys.exit(main())
