"""Write an evidence pack: files, a manifest with the SHA-256 of each, a signature, one zip."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import tempfile
import zipfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

from lethe.errors import ActError, TamperingFound, UsageError
from lethe.evidence.disclosure import require_lasting
from lethe.evidence.pack_verify import verify_packs
from lethe.evidence.signing import PackSigner
from lethe.include import read_text

FORMAT = "lethe-evidence-pack/1"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*(?:[./][A-Za-z0-9_-]+)*\Z")
_EPOCH = (1980, 1, 1, 0, 0, 0)
_TEMPLATES = ("verify.py", "VERIFY.md")
_encode = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode


class PackWriter:
    """The parts of a pack in a folder of their own, until they are one signed zip."""

    def __init__(self, folder: Path) -> None:
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._parts = Path(tempfile.mkdtemp(prefix=".pack-", dir=folder))
        except OSError as error:
            raise ActError(f"{folder}: cannot be written ({error.strerror})") from None
        self._files: dict[str, dict[str, Any]] = {}
        self.counts: dict[str, int] = {}

    def __enter__(self) -> PackWriter:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        shutil.rmtree(self._parts, ignore_errors=True)

    def add_lines(self, name: str, lines: Iterable[Mapping[str, Any]]) -> int:
        """Write a file of JSON lines; returns how many.

        Raises  ActError if a line holds what may not be kept for ever
        """
        digest, size, count = hashlib.sha256(), 0, 0
        with self._open(f"{name}.jsonl").open("wb") as file:
            for line in lines:
                require_lasting(name, line)
                data = f"{_encode(line)}\n".encode()
                digest.update(data)
                file.write(data)
                size += len(data)
                count += 1
        self._files[f"{name}.jsonl"] = {"bytes": size, "sha256": digest.hexdigest()}
        self.counts[name] = count
        return count

    def add(self, name: str, data: bytes) -> None:
        """Write a file."""
        self._open(name).write_bytes(data)
        self._files[name] = {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}

    def add_copy(self, name: str, file: Path) -> None:
        """Copy a file.

        Raises  UsageError for a name that no pack may hold, ActError if it cannot be read
        """
        self._open(name)
        try:
            data = file.read_bytes()
        except OSError as error:
            raise ActError(f"{file}: cannot be read ({error.strerror})") from None
        self.add(name, data)

    def finish(self, manifest: Mapping[str, Any], signer: PackSigner) -> tuple[Path, str]:
        """Sign everything, zip it, and check the zip with its own verifier.

        Returns  the zip, which the caller moves to where it belongs before the end of the `with`;
                 SHA-256 of the manifest
        Raises   TamperingFound with the first thing that is not as it should be
        """
        target = self._parts / ".zip"  # no part can have this name
        for name in _TEMPLATES:
            self.add(name, read_text(f"templates/{name}").encode())
        self.add("key.pem", signer.pem())
        data = self._manifest(manifest, signer)
        self._open("manifest.json").write_bytes(data)
        self._open("manifest.sig").write_bytes(signer.sign(data))
        try:
            self._zip(target, sorted([*self._files, "manifest.json", "manifest.sig"]))
        except OSError as error:
            raise ActError(f"{target}: cannot be written ({error.strerror})") from None
        found = verify_packs([target], key=signer.fingerprint)
        if not found["valid"]:
            fault = found["fault"]
            raise TamperingFound(
                f"no evidence pack was signed: {fault['file']}:{fault['line']}: {fault['what']}"
            )
        return target, hashlib.sha256(data).hexdigest()

    def _manifest(self, manifest: Mapping[str, Any], signer: PackSigner) -> bytes:
        document = {
            "format": FORMAT,
            **manifest,
            "key": {
                "algorithm": "Ed25519",
                "public_key": signer.public_key.hex(),
                "fingerprint": signer.fingerprint,
            },
            "counts": self.counts,
            "files": dict(sorted(self._files.items())),
        }
        return (json.dumps(document, ensure_ascii=False, allow_nan=False, indent=1) + "\n").encode()

    def _open(self, name: str) -> Path:
        if not _NAME.match(name):
            raise UsageError(f"'{name}' cannot be the name of a file in an evidence pack")
        path = self._parts / name
        path.parent.mkdir(parents=True, exist_ok=True)
        return path

    def _zip(self, target: Path, names: list[str]) -> None:
        """One possible form: sorted names, one date, one mode, no comment, no extra field."""
        with zipfile.ZipFile(target, "w") as file:
            for name in names:
                entry = zipfile.ZipInfo(name, _EPOCH)
                entry.compress_type = zipfile.ZIP_DEFLATED
                entry.create_system, entry.external_attr = 3, 0o100644 << 16
                path = self._parts / name
                entry.file_size = path.stat().st_size
                with path.open("rb") as source, file.open(entry, "w") as sink:
                    shutil.copyfileobj(source, sink, 1 << 20)
