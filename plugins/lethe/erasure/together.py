"""Several erasers on one frozen set: each claims its own subjects, on a connection of its own.

The first works in any case; the others only while nobody else works on the database.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from lethe.erasure.eraser import Eraser
from lethe.erasure.tally import Tally


def work_together(erasers: Sequence[Eraser]) -> Tally:
    """Let all work until nothing is left; what the others did is added to the first one's tally.

    Raises  what the first that failed raised, once the others have ended their batches
    """
    first, *others = erasers
    if not others:
        return first.work()
    over = threading.Event()

    def help_out(eraser: Eraser) -> Tally:
        eraser.only_while(lambda: eraser.traffic.wait(over.is_set))
        return _work(eraser, erasers)

    with ThreadPoolExecutor(len(others), thread_name_prefix="eraser") as pool:
        try:
            working = [pool.submit(help_out, each) for each in others]
            _work(first, erasers)
        finally:
            over.set()
        done = [each.result() for each in working]
    # What another one held when the first looked for the last time.
    tally = first.work()
    for each in done:
        tally.include(each)
    return tally


def _work(eraser: Eraser, erasers: Sequence[Eraser]) -> Tally:
    try:
        return eraser.work()
    except BaseException:
        for each in erasers:
            each.stop()
        raise
