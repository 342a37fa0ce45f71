"""The parts of a mail: headers in words, and every body and attachment as its reader gets it."""

from __future__ import annotations

from collections.abc import Iterator
from email import message_from_bytes, policy
from email.message import Message

_OF_MACHINES = frozenset(
    {"content-type", "content-transfer-encoding", "message-id", "in-reply-to", "references"}
    | {"date", "mime-version", "received"}
)
"""Headers that mail programs fill with random numbers and names of hosts."""
_SEALED = ("multipart/encrypted", "application/pkcs7-mime", "application/x-pkcs7-mime")

Attached = tuple[str, bytes]


class SealedPart(ValueError):
    """A part that only its recipient can read."""


def parts_of_mail(data: bytes) -> Iterator[str | Attached | SealedPart]:
    """Headers and bodies as text; attachments by name; what is encrypted as a fault."""
    for part in message_from_bytes(data, policy=policy.default).walk():
        yield _headers(part)
        if part.get_content_type() in _SEALED and part.get_param("smime-type") != "signed-data":
            yield SealedPart()
        content = part.get_payload(decode=True)
        if not isinstance(content, bytes):
            continue
        if part.get_content_maintype() == "text":
            yield _body(part, content)
        else:
            yield part.get_filename() or "part", content


def _headers(part: Message) -> str:
    """Of the whole and of each part: a subject, a recipient, the name of a file."""
    lines = [f"{name}: {_said(value)}" for name, value in _items(part)]
    return "\n".join([*lines, part.get_filename() or ""])


def _items(part: Message) -> Iterator[tuple[str, object]]:
    for name in dict.fromkeys(part.keys()):
        if name.lower() not in _OF_MACHINES:
            for value in part.get_all(name, []):
                yield name, value


def _said(value: object) -> str:
    return str(value)


def _body(part: Message, content: bytes) -> str:
    try:
        return content.decode(part.get_content_charset("utf-8"), errors="replace")
    except LookupError:
        return content.decode("utf-8", errors="replace")
