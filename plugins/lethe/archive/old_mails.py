"""Heads in old mails, whatever stands around them and however lines were broken.

A head that is there and cannot be read is told, and so is a file that cannot be looked into.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from lethe.archive.head_lines import find_heads
from lethe.archive.heads import ToldHead
from lethe.archive.mail_texts import Texts
from lethe.errors import UsageError


@dataclass(frozen=True, slots=True)
class OldMails:
    """What old mails tell.

    heads   each once
    unread  which file holds a head that cannot be read, or cannot be looked into
    """

    heads: tuple[ToldHead, ...] = ()
    unread: tuple[str, ...] = ()


NOTHING = OldMails()


def parse_heads(texts: Iterable[str]) -> Iterator[ToldHead]:
    """Find the heads, each once a text."""
    for text in texts:
        yield from dict.fromkeys(each for each in find_heads(text) if isinstance(each, ToldHead))


def read_texts(texts: Iterable[str]) -> OldMails:
    """Read what was taken out of old mails by hand: lines, not coded in any way."""
    heads: dict[ToldHead, None] = {}
    unread = 0
    for text in texts:
        for each in find_heads(text):
            if isinstance(each, ToldHead):
                heads[each] = None
            else:
                unread += 1
    return OldMails(tuple(heads), (_cannot("what was given", unread),) if unread else ())


def read_mails(path: Path) -> OldMails:
    """Read old mails: a file, a mailbox, or a folder of files.

    Raises  UsageError
    """
    heads: dict[ToldHead, None] = {}
    unread: list[str] = []
    try:
        for file in _files(path):
            told, why = _read_file(file)
            heads |= told
            name = file.relative_to(path) if file != path else file.name
            unread += [_cannot(str(name), each) for each in why]
    except OSError as error:
        raise UsageError(f"{path}: cannot be read ({error.strerror})") from None
    return OldMails(tuple(heads), tuple(unread))


def _read_file(file: Path) -> tuple[dict[ToldHead, None], list[str | int]]:
    texts = Texts()
    told: dict[ToldHead, None] = {}
    broken: set[str] = set()
    for meant in texts.of(file.read_bytes()):
        found = [list(find_heads(text)) for text in meant]
        read = [sum(isinstance(each, ToldHead) for each in some) for some in found]
        for each in chain.from_iterable(found):
            if isinstance(each, ToldHead):
                told[each] = None
        # Where another coding makes sense of as many heads, this one was not meant.
        broken.update(
            each[:200]
            for some in found
            if len(some) > max(read)
            for each in some
            if not isinstance(each, ToldHead)
        )
    why: list[str | int] = [len(broken)] if broken else []
    return told, [*why, *dict.fromkeys(texts.closed + ([] if told else texts.perhaps))]


def _cannot(name: str, why: str | int) -> str:
    if isinstance(why, int):
        why = f"{why} heads in it cannot be read" if why > 1 else "a head in it cannot be read"
    return f"{name}: {why}"


def _files(path: Path) -> Iterator[Path]:
    if not path.is_dir():
        yield path
        return

    def fail(error: OSError) -> None:
        raise error

    seen: set[Path] = set()
    for folder, below, names in os.walk(path, onerror=fail, followlinks=True):
        real = Path(folder).resolve()
        below[:] = [] if real in seen else sorted(below)
        if real not in seen:
            seen.add(real)
            yield from (each for name in sorted(names) if (each := Path(folder, name)).is_file())
