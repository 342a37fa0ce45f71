"""The encoding of the database: that texts can be read, and that it can hold the policy's words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from psycopg2 import extensions

from lethe.catalogue.checks.found import Found, Place


def check_encoding(server: str, texts: Mapping[Place, str]) -> Iterator[Found]:
    """Find what the database's encoding makes impossible.

    server  as PostgreSQL calls it, such as LATIN1
    texts   what stands at each place of the policy file
    """
    if server == "SQL_ASCII":
        yield Found(
            "fault",
            "encoding",
            (),
            "the database is SQL_ASCII: nobody knows what its texts say, so they cannot be "
            "compared, pseudonymised or archived; move it to a database in UTF8 (pg_dump, createdb "
            "--encoding UTF8, pg_restore)",
        )
        return
    codec = extensions.encodings.get(server, "utf_8")
    for place, text in texts.items():
        lacking = sorted({letter for letter in text if not _holds(codec, letter)})
        if lacking:
            yield Found(
                "fault",
                "encoding",
                place,
                f"the database is {server}, which lacks {' '.join(lacking)}; write it otherwise "
                "here, or move the database to UTF8",
            )


def _holds(codec: str, letter: str) -> bool:
    try:
        letter.encode(codec)
    except UnicodeEncodeError:
        return False
    return True
