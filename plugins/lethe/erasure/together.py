"""Several erasers on one frozen set: each claims its own subjects, on a connection of its own."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from lethe.erasure.eraser import Eraser, Tally


def work_together(erasers: Sequence[Eraser]) -> Tally:
    """Let all work until nothing is left; what the others did is added to the first one's tally.

    Raises  what the first that failed raised, once the others have ended their batches
    """
    first, *others = erasers
    if not others:
        return first.work()
    with ThreadPoolExecutor(len(others), thread_name_prefix="eraser") as pool:
        working = [pool.submit(_work, each, erasers) for each in others]
        tally = _work(first, erasers)
        for each in working:
            tally.include(each.result())
    return tally


def _work(eraser: Eraser, erasers: Sequence[Eraser]) -> Tally:
    try:
        return eraser.work()
    except BaseException:
        for each in erasers:
            each.stop()
        raise
