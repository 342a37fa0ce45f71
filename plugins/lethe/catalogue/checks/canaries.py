"""Canaries are planted by SQL files of `include/`, which must be there."""

from __future__ import annotations

from collections.abc import Iterator

from lethe.catalogue.checks.found import Checked, Found
from lethe.include import include_folder


def check_canaries(checked: Checked) -> Iterator[Found]:
    """Each template is a file below the include folder."""
    folder = include_folder().resolve()
    for name, canary in checked.policy.guards.canaries.items():
        file = (folder / canary.template).resolve()
        if not file.is_relative_to(folder):
            says = f"'{canary.template}' is not below include/; put the SQL file there"
        elif not file.is_file():
            says = f"there is no file include/{canary.template}; write it, or mend the name"
        else:
            continue
        place = ("guards", "canaries", name, "template")
        yield Found("fault", "missing-template", place, says)
