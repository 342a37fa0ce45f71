"""A mail server that delivers nothing: every message becomes an `.eml` file.

python -m demo.platform.mail_sink PORT FOLDER [HOST]
"""

from __future__ import annotations

import os
import socket
import sys
import threading
from datetime import UTC, datetime
from email import message_from_bytes
from itertools import count
from pathlib import Path
from typing import Any

HOST = "127.0.0.1"


class FileWriter:
    """Writes each message to its own file, named by the moment of its arrival."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.numbers = count(1)

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802
        """Keep one message; the envelope's addressees go into headers of their own."""
        message = message_from_bytes(envelope.original_content)
        message["X-Envelope-From"] = envelope.mail_from or "<>"
        message["X-Envelope-To"] = ", ".join(envelope.rcpt_tos)
        moment = datetime.now(UTC).strftime("%Y%m%dT%H%M%S.%fZ")
        name = f"{moment}-{os.getpid()}-{next(self.numbers)}.eml"
        draft = self.folder / f".{name}"
        draft.write_bytes(bytes(message))
        draft.rename(self.folder / name)
        return "250 Kept"


def serve(port: int, folder: Path, host: str = HOST) -> None:
    """Listen until the process is ended."""
    from aiosmtpd.controller import Controller

    os.umask(0o077)
    folder.mkdir(parents=True, exist_ok=True)
    controller = Controller(FileWriter(folder), hostname=host, port=port, data_size_limit=2**26)
    controller.start()
    threading.Event().wait()


def free_port() -> int:
    """Ask the system for a port that nobody uses."""
    with socket.create_server((HOST, 0)) as listener:
        return int(listener.getsockname()[1])


def is_listening(port: int) -> bool:
    """Tell whether anybody answers on this port of the machine itself."""
    with socket.socket() as probe:
        probe.settimeout(2)
        return probe.connect_ex((HOST, port)) == 0


if __name__ == "__main__":
    serve(int(sys.argv[1]), Path(sys.argv[2]), *sys.argv[3:4])
