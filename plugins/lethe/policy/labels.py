"""Words of a policy file that have no title of their own, as people say them."""

from __future__ import annotations

from lethe.policy.model import Policy


def label(policy: Policy, word: str) -> dict[str, str]:
    """A word in each language of the reports; one without a label as the file writes it."""
    labels = policy.labels.get(word, {})
    return {"en": word, "fr": word, **{str(language): text for language, text in labels.items()}}
