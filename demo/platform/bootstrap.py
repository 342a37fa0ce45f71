"""Make the virtual environment from the lock: `make setup`.

The environment counts as made only when its stamp is written, which is the last thing that
happens; whatever an interrupted or outdated attempt left behind is made again.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import sys
import time
import venv
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]
VENV = PROJECT / ".venv"
STAMP = VENV / "lethe-stamp.json"
LOCK_FILE = PROJECT / "requirements.txt"


class SetupFailed(Exception):
    """The environment could not be made; the message says why and what to do."""


def main() -> int:
    """Bring `.venv` in step with requirements.txt; quick when it already is."""
    try:
        with _only_one_at_a_time() as lock:
            if not is_ready():
                make_environment(lock)
    except SetupFailed as error:
        print(f"setup: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("\nsetup: interrupted; the next call makes the environment again", file=sys.stderr)
        return 130
    return 0


def is_ready() -> bool:
    """Tell whether `.venv` was made to the end, from this lock, by this Python, in this place."""
    try:
        stamp = json.loads(STAMP.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return (
        isinstance(stamp, dict)
        and stamp.get("made_from") == _ingredients()
        and (VENV / "bin" / "python").exists()
        and set(stamp.get("packages", ())) <= set(_installed_packages())
    )


def make_environment(lock: int) -> None:
    """Remove what is there and make the environment anew, with a line a stage.

    lock  open file that is locked meanwhile; pip shares it, so that a pip whose setup was killed
          still keeps the next setup waiting instead of writing into its environment
    """
    started = time.monotonic()
    wanted = _locked_requirements()
    if VENV.exists() or VENV.is_symlink():
        _say("1/4", "removing an environment that is unfinished or out of date")
        _remove(VENV)
    version = ".".join(str(part) for part in sys.version_info[:3])
    _say("2/4", f"making .venv with Python {version}")
    try:
        venv.create(VENV, with_pip=True)
    except (OSError, subprocess.CalledProcessError) as error:
        raise SetupFailed(f"the virtual environment could not be made: {error}") from error
    _say("3/4", f"installing {wanted} packages from requirements.txt (one to three minutes)")
    _install(wanted, lock)
    _say("4/4", "compiling them to bytecode, so that every later start is quick")
    _compile()
    stamp = {"made_from": _ingredients(), "packages": sorted(_installed_packages())}
    STAMP.write_text(json.dumps(stamp, indent=1) + "\n", encoding="utf-8")
    print(f"setup: ready after {time.monotonic() - started:.0f} s", flush=True)


@contextmanager
def _only_one_at_a_time() -> Iterator[int]:
    folder = os.open(PROJECT, os.O_RDONLY)
    try:
        try:
            fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print("setup: waiting for another setup of this checkout to end", flush=True)
            fcntl.flock(folder, fcntl.LOCK_EX)
        yield folder
    finally:
        os.close(folder)


def _ingredients() -> dict[str, str]:
    return {
        "requirements": hashlib.sha256(LOCK_FILE.read_bytes()).hexdigest(),
        "python": sys.version,
        "base": sys.base_prefix,
        "folder": str(VENV),
    }


def _locked_requirements() -> int:
    lines = LOCK_FILE.read_text(encoding="utf-8").splitlines()
    return sum(1 for line in lines if line[:1].isalnum())


def _installed_packages() -> list[str]:
    return [path.name for path in VENV.glob("lib/python3.*/site-packages/*.dist-info")]


def _remove(path: Path) -> None:
    if path.is_symlink() or path.is_file():
        path.unlink()
    else:
        shutil.rmtree(path)


def _install(wanted: int, lock: int) -> None:
    """Run pip as it is configured on this machine; its words go to a log, its progress here."""
    log = Path(os.environ.get("LETHE_HOME") or PROJECT / "var") / "logs" / "pip.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    command = [str(VENV / "bin" / "python"), "-m", "pip", "install", "--no-deps", "--no-compile"]
    command += ["--no-input", "--disable-pip-version-check", "--progress-bar", "off"]
    command += ["-r", str(LOCK_FILE)]
    environment = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "PYTHONHOME")}
    with (
        log.open("w", encoding="utf-8") as words,
        subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            env=environment,
            pass_fds=(lock,),
        ) as pip,
    ):
        progress = _Progress(wanted)
        for line in pip.stdout or ():
            words.write(line)
            progress.hear(line)
        progress.end()
    if pip.returncode:
        tail = log.read_text(encoding="utf-8").strip().splitlines()[-8:]
        raise SetupFailed(
            "pip could not install requirements.txt. Its last words:\n  "
            + "\n  ".join(tail)
            + f"\nAll of them: {log}. The packages are needed once; afterwards no network is."
        )


class _Progress:
    """Turns pip's chatter into one moving line, or a line a third where nobody watches."""

    def __init__(self, wanted: int) -> None:
        self.wanted = wanted
        self.seen = 0
        self.live = sys.stdout.isatty()
        self.step = max(1, wanted // 3)

    def hear(self, line: str) -> None:
        if line.startswith(("Collecting ", "Processing ")):
            self.seen += 1
            text = f"       fetched {self.seen} of {self.wanted}"
            if self.live:
                print(f"\r{text}", end="", flush=True)
            elif self.seen % self.step == 0:
                print(text, flush=True)
        elif line.startswith("Installing collected"):
            self.end()
            print("       unpacking", flush=True)

    def end(self) -> None:
        if self.live and self.seen:
            print(flush=True)
            self.seen = 0


def _compile() -> None:
    # PYTHONDONTWRITEBYTECODE is set on some machines; then nothing else would ever compile.
    # A few packages ship files for other Pythons, so the exit code says nothing.
    folders = [str(path) for path in VENV.glob("lib/python3.*/site-packages")]
    command = [str(VENV / "bin" / "python"), "-m", "compileall", "-q", "-q", "-j0", *folders]
    subprocess.run(command, check=False, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def _say(stage: str, text: str) -> None:
    print(f"setup {stage}  {text}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
