"""Every decision of the embedded platform that a platform could get wrong, one method each, here as it should be.

A fault is a subclass that overrides one of them. Methods get all they need as arguments and keep nothing, unless a
fault wants to; randomness comes from the `rng` handed in. The parts of the platform ask and obey, so none of them knows
of faults.
"""

from __future__ import annotations

from clusters.embedded.behaviour.control_behaviour import ControlBehaviour
from clusters.embedded.dataplane.dataplane_behaviour import DataBehaviour

__all__ = ["Behaviour", "ControlBehaviour", "DataBehaviour"]


class Behaviour(DataBehaviour, ControlBehaviour):
    """All decisions of a conforming platform."""
