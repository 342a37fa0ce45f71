"""Where the state of one checkout lives: `$LETHE_HOME`, by default `var/` of the project."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from demo.platform.errors import PlatformError

PROJECT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True, slots=True)
class Home:
    """The folders of one installation; nothing is written outside of them."""

    root: Path

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> Home:
        """Take `LETHE_HOME`, else `var/`; two ways to the same folder are one home."""
        return cls(Path(environment.get("LETHE_HOME") or PROJECT / "var").resolve())

    @property
    def postgres(self) -> Path:
        return self.root / "postgres"

    @property
    def airflow(self) -> Path:
        return self.root / "airflow"

    @property
    def secrets(self) -> Path:
        return self.root / "secrets"

    @property
    def mail(self) -> Path:
        return self.root / "mail"

    @property
    def reports(self) -> Path:
        return self.root / "reports"

    @property
    def files(self) -> Path:
        """What the demo's policy calls the system `files`; the rows name files that never were."""
        return self.root / "files"

    @property
    def logs(self) -> Path:
        return self.root / "logs"

    @property
    def run(self) -> Path:
        return self.root / "run"

    def make(self) -> None:
        """Create the folders that are missing; all but the root are their owner's alone."""
        if not self.root.exists():
            self.root.mkdir(parents=True)
            # Root's PostgreSQL runs under another account, which has to pass through here.
            self.root.chmod(0o755)
        owner = self.root.stat().st_uid
        if os.geteuid() not in (0, owner):
            raise PlatformError(
                f"{self.root} belongs to another account (user id {owner}); work as that account, "
                "or set LETHE_HOME to a folder of your own"
            )
        for folder in (
            self.airflow,
            self.secrets,
            self.mail,
            self.reports,
            self.files,
            self.logs,
            self.run,
        ):
            folder.mkdir(mode=0o700, exist_ok=True)
        self.secrets.chmod(0o700)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Let only one command at a time start or stop parts of this installation."""
        self.make()
        with (self.run / "lock").open("w") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise PlatformError(
                    f"another make up, make demo or make down is at work on {self.root}; "
                    "wait until it has ended"
                ) from error
            yield


def write_private(path: Path, text: str) -> None:
    """Replace a file in one step; at no moment can another account read it."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    draft.unlink(missing_ok=True)
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(text)
    draft.replace(path)


def read_json(path: Path) -> dict[str, object]:
    """Read a JSON object, {} if there is no such file."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except ValueError as error:
        raise PlatformError(f"{path} is not valid JSON; mend it or remove it") from error
    if not isinstance(found, dict):
        raise PlatformError(f"{path} must hold a JSON object; mend it or remove it")
    return found
