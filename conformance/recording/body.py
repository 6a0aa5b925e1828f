"""What the bodies of all facts have in common."""

from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar

from conformance.recording.fact_kind import FactKind
from conformance.recording.shape import Shape


class Body(Shape):
    """The body of one kind of fact."""

    __slots__ = ()
    KIND: ClassVar[FactKind]


class ChangeType(StrEnum):
    """How the watch reported an object."""

    LISTED = "LISTED"  # there when watching began
    ADDED = "ADDED"
    MODIFIED = "MODIFIED"
    DELETED = "DELETED"


@dataclass(frozen=True, slots=True)
class ObjectBody(Body):
    """The body of a fact about an object that is watched, as it was after a change."""

    name: str
    change: ChangeType = ChangeType.MODIFIED
    """LISTED (there when watching began), ADDED, MODIFIED or DELETED."""


PREDICTOR = "predictor"
"""The component that an object without the label `component` belongs to."""
