"""A file in which there is nothing but line ends: no format can be told from it."""

from __future__ import annotations

import numpy as np

from lethe.pseudonymisation.formats.parsed import Parsed, Stateless, rejection
from lethe.pseudonymisation.lines import Lines


class Nothing(Stateless):
    """Empty lines are counted; another one would be set aside."""

    name = "none"
    fields: tuple[str, ...] = ()

    def read(self, lines: Lines) -> list[Parsed]:
        """Divide lines into empty ones and others."""
        empty = lines.ends <= lines.starts
        every = np.arange(len(lines))
        return [rejection("empty", every[empty]), rejection("format-mismatch", every[~empty])]
