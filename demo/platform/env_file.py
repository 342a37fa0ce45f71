"""Write `.env` from `.env.example`, with a fresh secret wherever one is asked for: `make env`.

A line `NAME=<secret>` gets 32 random characters, `NAME=<base64>` 32 random bytes, `NAME=<key>` the
same in the alphabet of URLs. Needs no environment: any Python from 3.11 on runs it.
"""

from __future__ import annotations

import base64
import os
import secrets
import sys
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]


def main() -> int:
    """Write the file, readable by its owner; one that is there is never replaced."""
    target = PROJECT / ".env"
    try:
        handle = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        print(f"{target} is there already; remove it to have new secrets", file=sys.stderr)
        return 2
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(filled_in((PROJECT / ".env.example").read_text(encoding="utf-8")))
    print(f"Wrote {target} (mode 0600). docker compose reads it.")
    return 0


def filled_in(example: str) -> str:
    """Put a secret in every place of the example."""
    lines = []
    for line in example.splitlines():
        if not line.startswith("#"):
            line = line.replace("<secret>", secrets.token_hex(16))
            key = secrets.token_bytes(32)
            line = line.replace("<key>", base64.urlsafe_b64encode(key).decode())
            line = line.replace("<base64>", base64.b64encode(key).decode())
        lines.append(line)
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.exit(main())
