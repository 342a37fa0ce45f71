"""The policy file as a typed, frozen model; one file a subject matter."""

from lethe.policy.model.policy import Policy

__all__ = ["Policy"]
