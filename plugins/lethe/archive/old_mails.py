"""Heads in old mails, whatever stands around them and however lines were broken."""

from __future__ import annotations

import base64
import email
import re
from collections.abc import Iterable, Iterator
from email import policy
from pathlib import Path
from uuid import UUID

from lethe.archive.heads import ToldHead
from lethe.errors import UsageError

_PLACE = re.compile(r"lethe-archive-head[\s>=]+1[\s>=]+[0-9a-f]{8}")
_LINE = re.compile(
    r"lethe-archive-head\s+1\s+([0-9a-f-]{36})\s+(\d+)\s+(\d+)\s+([0-9a-f]{64})\s+"
    r"(\S+)\s+([A-Za-z0-9+/]{86}==)"
)
_LONGEST = 1_000
_BREAK = re.compile(r"\r?\n[ \t]*(?:>[ \t]*)*")
_MAILS = re.compile(rb"^From [^\n]*\n", re.MULTILINE)


def parse_heads(texts: Iterable[str]) -> Iterator[ToldHead]:
    """Find the heads, each once a text."""
    for text in texts:
        found = (_read(text, place.start()) for place in _PLACE.finditer(text))
        yield from dict.fromkeys(head for head in found if head is not None)


def count_unread(texts: Iterable[str]) -> int:
    """Count places where a head begins that cannot be read: cut off, or written over."""
    return sum(
        _read(text, place.start()) is None for text in texts for place in _PLACE.finditer(text)
    )


def read_mails(path: Path) -> list[str]:
    """Read old mails: a file, a mailbox, or a folder of files; coded parts are decoded.

    Raises  UsageError
    """
    try:
        files = sorted(each for each in path.rglob("*") if each.is_file())
        return [text for file in (files if path.is_dir() else [path]) for text in _texts_of(file)]
    except OSError as error:
        raise UsageError(f"{path}: cannot be read ({error.strerror})") from None


def _texts_of(file: Path) -> Iterator[str]:
    data = file.read_bytes()
    yield data.decode("utf-8", "replace")
    for one in _MAILS.split(data):
        for part in email.message_from_bytes(one, policy=policy.compat32).walk():
            if str(part.get("content-transfer-encoding", "")).strip().lower() == "base64":
                decoded = part.get_payload(decode=True)
                if isinstance(decoded, bytes):
                    yield decoded.decode("utf-8", "replace")


def _read(text: str, start: int) -> ToldHead | None:
    there = text[start : start + _LONGEST]
    # A line may have been folded, or wrapped and quoted; a signature ends like a fold.
    unfolded = re.sub(r"=3D", "=", re.sub(r"=\r?\n", "", there))
    for form in (there, unfolded, _BREAK.sub(" ", there), _BREAK.sub("", there)):
        if (found := _LINE.match(form)) is not None:
            warehouse, number, size, root, _, signature = found.groups()
            return ToldHead(
                UUID(warehouse),
                int(number),
                int(size),
                bytes.fromhex(root),
                base64.b64decode(signature),
            )
    return None
