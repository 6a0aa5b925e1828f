"""What the bodies of all facts have in common."""

from collections.abc import Iterator
from enum import StrEnum
from typing import Any, ClassVar

from conformance.recording.fact_kind import FactKind
from conformance.recording.shape import Shape


class Body(Shape):
    """The body of one kind of fact."""

    __slots__ = ()
    KIND: ClassVar[FactKind]

    # Until every reader uses attributes, a body reads like the mapping it was.

    def keys(self) -> Iterator[str]:
        """Names of the fields."""
        return iter(self.plain())

    def __getitem__(self, key: str) -> Any:
        try:
            return getattr(self, key)
        except AttributeError:
            return self.plain()[key]

    def __contains__(self, key: str) -> bool:
        return key in self.plain()

    def get(self, key: str, default: Any = None) -> Any:
        """A field by name."""
        return self[key] if key in self.plain() else default


class ChangeType(StrEnum):
    """How the watch told of an object."""

    LISTED = "LISTED"  # there when watching began
    ADDED = "ADDED"
    MODIFIED = "MODIFIED"
    DELETED = "DELETED"


PREDICTOR = "predictor"
"""The component that an object without the label `component` belongs to."""
