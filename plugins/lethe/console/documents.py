"""Files of Lethe's home that the page hands out: Data Docs, nothing else.

Great Expectations writes pages that want scripts and styles from half a dozen other places. Here
they get neither: they run in a sandbox, and a style sheet of our own makes them readable.
"""

from __future__ import annotations

import json
import mimetypes
import re
from collections.abc import Iterable
from pathlib import Path

from lethe.include import home_folder, include_folder

SANDBOX = "; ".join(
    (
        "sandbox allow-same-origin",
        "default-src 'none'",
        "style-src 'self' 'unsafe-inline'",
        "img-src 'self' data:",
        "font-src 'self'",
        "form-action 'none'",
        "frame-ancestors 'self'",
        "base-uri 'none'",
    )
)
_TYPES = {".html", ".css", ".png", ".svg", ".ico", ".gif", ".ttf", ".otf", ".woff", ".woff2"}
_STATIC_NAME = re.compile(r"[a-z0-9][a-z0-9-]*\.(css|js|svg)")
_REMOTE = re.compile(
    rb"<script\b[^>]*>.*?</script\s*>|<link\b[^>]*href=.https?:[^>]*>", re.DOTALL | re.IGNORECASE
)


def docs_folder() -> Path:
    """Where the Data Docs stand."""
    return home_folder() / "quality" / "docs"


def find_document(asked: str) -> Path | None:
    """Find a file of the Data Docs; None for whatever is not one of them.

    asked  path as it came; nothing above the folder is reached, by dots or by links
    """
    folder = docs_folder().resolve()
    if "\0" in asked or "\\" in asked:
        return None
    try:
        file = (folder / asked.lstrip("/")).resolve()
    except (OSError, ValueError):
        return None
    inside = file.is_relative_to(folder) and file != folder
    return file if inside and file.suffix.lower() in _TYPES and file.is_file() else None


def read_document(file: Path, style: str) -> bytes:
    """Read a file of the Data Docs; a page loses what is remote and gains our style sheet."""
    content = file.read_bytes()
    if file.suffix.lower() != ".html":
        return content
    link = f'<link rel="stylesheet" href="{style}">'.encode()
    clean = _REMOTE.sub(b"", content)
    return clean.replace(b"</head>", link + b"</head>", 1)


def find_static(name: str) -> Path | None:
    """Find a style sheet, script or icon of the page."""
    if not _STATIC_NAME.fullmatch(name):
        return None
    file = include_folder() / "templates" / "console" / "static" / name
    return file if file.is_file() else None


def type_of(file: Path) -> str:
    """The media type of a file."""
    kind = mimetypes.guess_type(file.name)[0] or "application/octet-stream"
    return f"{kind}; charset=utf-8" if kind.startswith("text/") else kind


def pages_of(checks: Iterable[str]) -> dict[str, str]:
    """The page that tells of each check in the newest run, where there is one: path in the docs."""
    try:
        told = json.loads((docs_folder() / "pages.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return {key: told[key] for key in checks if key in told and find_document(told[key])}


def list_documents() -> list[tuple[str, str]]:
    """The page of the newest validation of each suite: name and path.

    A suite's folder holds run name, instant, page; a dot in its name makes a folder of its own.
    """
    folder = docs_folder() / "validations"
    newest: dict[str, Path] = {}
    for file in folder.rglob("*.html") if folder.is_dir() else ():
        suite = ".".join(file.relative_to(folder).parts[:-3])
        if suite not in newest or file.parent.name > newest[suite].parent.name:
            newest[suite] = file
    return sorted((suite, str(file.relative_to(docs_folder()))) for suite, file in newest.items())
