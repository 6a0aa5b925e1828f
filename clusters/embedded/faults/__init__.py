"""Broken platforms: each fault is a small class that gets one documented behaviour wrong."""

from __future__ import annotations

from clusters.embedded.behaviour import Behaviour


def behaviour_of(fault: str | None) -> Behaviour:
    """The behaviour of a platform with this fault; None is an honest one."""
    del fault
    return Behaviour()


def check(fault: str | None) -> None:
    """Raises SubmissionError for a fault that nobody knows."""
    del fault
