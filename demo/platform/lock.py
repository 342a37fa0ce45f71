"""Make requirements.txt anew from requirements.in: `make lock`.

uv resolves for all the Pythons and machines at once; it lives in an environment that is thrown
away. What is locked already stays at its version unless requirements.in wants another one.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import venv
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]
_COMPILE = ("pip", "compile", "--universal", "--python-version", "3.11")
_QUIET_ABOUT_SOURCES = ("--no-emit-index-url", "--no-emit-find-links")


def main() -> int:
    """Exit as uv does."""
    with tempfile.TemporaryDirectory(prefix="lethe-lock-") as folder:
        venv.create(folder, with_pip=True)
        install = [f"{folder}/bin/python", "-m", "pip", "install", "--quiet", "uv"]
        if code := subprocess.run(install, check=False).returncode:
            print("lock: uv could not be installed", file=sys.stderr)
            return code
        files = ["requirements.in", "--output-file", "requirements.txt", "--quiet"]
        command = [f"{folder}/bin/uv", *_COMPILE, *_QUIET_ABOUT_SOURCES, *files]
        return subprocess.run(command, check=False, cwd=PROJECT).returncode


if __name__ == "__main__":
    sys.exit(main())
