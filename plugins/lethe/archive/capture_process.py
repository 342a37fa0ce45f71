"""The process that streams what is to be archived: `python -m lethe.archive.capture_process`."""

from __future__ import annotations

import sys

from lethe.archive.apart import answering
from lethe.archive.capture_rows import copy_out
from lethe.include import statement


def main() -> None:
    """Answer with the rows of the query that is asked for."""
    with answering(str) as (connection, query):
        with connection.cursor() as cursor:
            cursor.execute(statement("erasure/set_planning"))
        copy_out(connection, query, sys.stdout.fileno())


if __name__ == "__main__":
    main()
