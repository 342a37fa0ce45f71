"""A key-encryption key for an installation that has none yet: kept in the local connections."""

from __future__ import annotations

import base64
import json
import os
from pathlib import Path

from lethe.errors import ConfigurationError
from lethe.include import home_folder
from lethe.named_connections import find_connection

_BYTES = 32


def provide_key() -> Path | None:
    """Make the connection `lethe_keys` in `LETHE_HOME/secrets` where no place has one.

    Returns  the file that was written; None if there is a key already
    Raises   ConfigurationError if the file cannot be written
    """
    if find_connection("lethe_keys") is not None:
        return None
    path = home_folder() / "secrets" / "connections.json"
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        known = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
        known["lethe_keys"] = {
            "conn_type": "generic",
            "password": base64.b64encode(os.urandom(_BYTES)).decode(),
        }
        part = path.with_suffix(".part")
        descriptor = os.open(part, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            json.dump(known, file, indent=2)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    except OSError as error:
        raise ConfigurationError(
            f"{path}: cannot be written ({error.strerror}); define the connection 'lethe_keys' "
            "yourself (password: 32 random bytes in base64)"
        ) from None
    return path
