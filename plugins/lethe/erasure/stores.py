"""Where files lie, and how one of them is destroyed for good: a folder, or an object store."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path, PurePosixPath
from typing import Literal, Protocol

from lethe.include import home_folder
from lethe.policy.model.places import Connector

Gone = Literal["done", "absent"]


class Outside(Exception):
    """The target does not lie in the store, or is no plain file: nobody but a person may decide."""


class Store(Protocol):
    """A place with files.

    prefix     what a full name of a file of it begins with
    is_folder  two names may be one file: doubled slashes, steps to where one is
    """

    prefix: str
    is_folder: bool

    def destroy(self, target: str) -> Gone:
        """Destroy a file and confirm that it is gone.

        Raises  Outside for a target that must not be touched; OSError where an attempt failed
        """


def open_store(connector: Connector) -> Store:
    """Open the store of a connector; an object store is reached at its first file."""
    if connector.kind == "folder":
        return Folder(home_folder() / connector.location)
    return ObjectStore(connector.location, connector.connection)


def plain_name(store: Store, target: str) -> str:
    """The one name of a file in its store; the same as `erasure/find_named_files` makes."""
    name = target.removeprefix(store.prefix)
    return str(PurePosixPath(name)).lstrip("/") if store.is_folder else name


class Folder:
    """A local folder. Every step down is taken without following links, so nothing leads out."""

    is_folder = True

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.prefix = f"{folder}/"

    def destroy(self, target: str) -> Gone:
        parts = self._inside(target)
        with ExitStack() as opened:
            # A folder that is not there is not mounted: a failure, not an absent file.
            here = opened.enter_context(_folder(self._folder))
            try:
                for part in parts[:-1]:
                    here = opened.enter_context(_folder(part, here))
                found = os.stat(parts[-1], dir_fd=here, follow_symlinks=False)
            except FileNotFoundError:
                return "absent"
            except NotADirectoryError:
                raise Outside("a link or a file on the way") from None
            if not stat.S_ISREG(found.st_mode):
                raise Outside("no plain file")
            os.unlink(parts[-1], dir_fd=here)
            os.fsync(here)
            self._require_gone(parts[-1], here)
        return "done"

    def _inside(self, target: str) -> tuple[str, ...]:
        path = PurePosixPath(target)
        if path.is_absolute():
            try:
                path = path.relative_to(self._folder)
            except ValueError:
                raise Outside("an absolute path elsewhere") from None
        if not path.parts or ".." in path.parts or "\x00" in target:
            raise Outside("a path that leads out")
        return path.parts

    def _require_gone(self, name: str, folder: int) -> None:
        try:
            os.stat(name, dir_fd=folder, follow_symlinks=False)
        except FileNotFoundError:
            return
        raise OSError("the file is still there")


@contextmanager
def _folder(name: str | Path, inside: int | None = None) -> Iterator[int]:
    flags = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
    # The folder itself may be reached by a link that an administrator made; what is in it may not.
    opened = os.open(name, flags if inside is None else flags | os.O_NOFOLLOW, dir_fd=inside)
    try:
        yield opened
    finally:
        os.close(opened)


class ObjectStore:
    """Any store that Airflow's ObjectStoragePath reaches."""

    is_folder = False

    def __init__(self, location: str, connection: str | None) -> None:
        self._location = location.rstrip("/")
        self.prefix = f"{self._location}/"
        self._connection = connection

    def destroy(self, target: str) -> Gone:
        from airflow.sdk import ObjectStoragePath

        inner = target.removeprefix(self.prefix)
        parts = PurePosixPath(inner).parts
        if "://" in inner or inner.startswith("/") or not parts or {"..", "."} & set(parts):
            raise Outside("a path that leads out")
        path = ObjectStoragePath(self.prefix + inner, conn_id=self._connection)
        if not path.exists():
            # A store that cannot be listed would call every file absent.
            if not ObjectStoragePath(self._location, conn_id=self._connection).exists():
                raise OSError("the store is not there")
            return "absent"
        if not path.is_file():
            raise Outside("no plain file")
        path.unlink()
        if path.exists():
            raise OSError("the file is still there")
        return "done"
