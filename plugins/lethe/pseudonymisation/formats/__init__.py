"""The formats of logs that can be read, and the one place that knows them by name."""

from __future__ import annotations

from lethe.pseudonymisation.formats.parsed import Format, Parsed
from lethe.pseudonymisation.formats.registry import FORMATS, Detection, detect_format, make_format

__all__ = ["FORMATS", "Detection", "Format", "Parsed", "detect_format", "make_format"]
