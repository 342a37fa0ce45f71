"""Limits: how much a rule may do in one night without anybody looking."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median

from lethe.policy.model.rules import Cap

_TO_DEVIATIONS = 1.4826
"""Median absolute deviation to standard deviations, for a normal distribution."""


def over_limit(
    due: int,
    *,
    limits: Cap,
    population: int | None,
    history: Sequence[int],
    nights: int,
) -> str | None:
    """Say which limit tonight's number is over, in words; None if it is over none.

    population  subjects of that kind, for the share
    history     numbers of the last nights; share and distance apply from `nights` of them on
    """
    if limits.subjects is not None and due > limits.subjects:
        return f"{due} subjects are due, the cap is {limits.subjects} a night"
    if len(history) < nights:
        return None
    if limits.share is not None and population and due > limits.share * population:
        return (
            f"{due} of {population} subjects are due, more than the share of "
            f"{limits.share:.1%} that one night may take"
        )
    if limits.distance is not None and due > 0:
        usual = median(history)
        spread = max(_TO_DEVIATIONS * median(abs(n - usual) for n in history), 1.0)
        if due > usual + limits.distance * spread:
            return (
                f"{due} subjects are due, usual are {usual:g}; that is more than "
                f"{limits.distance:g} robust standard deviations away"
            )
    return None


def merged(general: Cap, own: Cap | None) -> Cap:
    """The limits of a rule: its own where it says one, else the general ones."""
    if own is None:
        return general
    said = {name: value for name, value in own.model_dump().items() if value is not None}
    return general.model_copy(update=said)
