"""The offline recovery key: its public half is in the policy, its private half in a safe."""

from __future__ import annotations

import os
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)

from lethe.errors import ConfigurationError
from lethe.include import home_folder, include_folder
from lethe.policy.model.archive import Archive


def recovery_key(archive: Archive) -> X25519PublicKey | None:
    """Read the public recovery key that the policy names; None if it names none.

    Raises  ConfigurationError if it is not there, or no X25519 public key
    """
    if archive.recovery_key is None:
        return None
    tried = [base / archive.recovery_key for base in (include_folder(), home_folder())]
    for path in tried:
        try:
            there = path.is_file()
        except OSError as error:
            raise ConfigurationError(
                f"archive.recovery_key: {error.strerror or 'the name cannot be looked up'}; name a "
                "file below include/ or LETHE_HOME"
            ) from None
        if there:
            return _read_public(path)
    raise ConfigurationError(
        f"archive.recovery_key: neither {tried[0]} nor {tried[1]} is there; make a pair with "
        "`lethe archive recovery-key`, and keep its private half offline"
    )


def make_recovery_key(archive: Archive, private_file: Path, passphrase: str | None) -> Path:
    """Make a pair: the private half where it is told, the public half where the policy says.

    Returns  the file with the public half
    Raises   ConfigurationError if one of them is there already
    """
    public_file = home_folder() / (archive.recovery_key or "recovery.pem")
    for file in (private_file, public_file, include_folder() / (archive.recovery_key or "")):
        if file.is_file():
            raise ConfigurationError(
                f"{file} is there already; a key that archived records rest on is not replaced"
            )
    private = X25519PrivateKey.generate()
    locked = BestAvailableEncryption(passphrase.encode()) if passphrase else NoEncryption()
    _write(private_file, private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, locked), 0o600)
    public = private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    _write(public_file, public, 0o644)
    return public_file


def read_private(file: Path, passphrase: str | None = None) -> X25519PrivateKey:
    """Read the private half back from the safe."""
    try:
        key = load_pem_private_key(file.read_bytes(), passphrase.encode() if passphrase else None)
    except (OSError, ValueError, TypeError) as error:
        raise ConfigurationError(f"{file}: no private key ({type(error).__name__})") from None
    if not isinstance(key, X25519PrivateKey):
        raise ConfigurationError(f"{file}: not an X25519 private key")
    return key


def _read_public(path: Path) -> X25519PublicKey:
    try:
        key = load_pem_public_key(path.read_bytes())
    except (OSError, ValueError) as error:
        raise ConfigurationError(f"{path}: no public key ({type(error).__name__})") from None
    if not isinstance(key, X25519PublicKey):
        raise ConfigurationError(f"{path}: not an X25519 public key")
    return key


def _write(path: Path, data: bytes, mode: int) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with os.fdopen(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, mode), "wb") as file:
            file.write(data)
    except OSError as error:
        raise ConfigurationError(f"{path}: cannot be written ({error.strerror})") from None
