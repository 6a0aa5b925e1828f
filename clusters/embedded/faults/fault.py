"""What a fault is."""

from __future__ import annotations

from dataclasses import dataclass

from clusters.embedded.behaviour.platform_behaviour import Behaviour


@dataclass(frozen=True, slots=True)
class Fault:
    """A platform that gets one thing wrong."""

    name: str
    text: str
    """What it does, in one line."""
    breaks: str
    """The documented behaviour that it breaks."""
    behaviour: type[Behaviour]
