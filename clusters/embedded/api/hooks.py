"""What the platform plugs into the API server: admission, logs, and effects of writes it must answer for."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Protocol

from clusters.embedded.api.exchange import User
from clusters.embedded.api.kinds import Kind, Storage
from clusters.embedded.api.status import Object
from conformance.kube.resources import Resource


@dataclass(slots=True)
class Review:
    """A write on its way in. `object` is None for DELETE, `old` for CREATE."""

    operation: str
    """CREATE, UPDATE or DELETE."""
    kind: Kind
    namespace: str
    name: str
    object: Object | None
    old: Object | None
    subresource: str = ""
    dry_run: bool = False
    user: User = field(default_factory=lambda: User("system:anonymous"))
    warnings: list[str] = field(default_factory=list)

    @property
    def resource(self) -> Resource:
        return self.kind.resource

    def warn(self, text: str) -> None:
        """Send a Warning header with the answer, also with a denial."""
        self.warnings.append(text)


Mutator = Callable[[Review], Object | None]
"""Returns the object to go on with, None for no change. It may change `review.object` in place: it is its own copy.
Raises ApiError to refuse."""

Validator = Callable[[Review], None]
"""Raises ApiError to refuse."""


class LogSource(Protocol):
    """Where pod logs come from."""

    def __call__(self, pod: Object, container: str, follow: bool) -> AsyncIterator[bytes]:
        """The log from its beginning, each piece one line with its RFC 3339 time and a space in front; ends at once
        unless followed. Raises ApiError, before the first piece, when there is none to read."""


class ObjectSource(Protocol):
    """Computes the objects of a kind that is not stored."""

    def __call__(self, namespace: str) -> list[Object]:
        """The objects as they are now, by namespace and name; those of all namespaces when it is empty."""


@dataclass(slots=True)
class Hooks:
    """All hooks; empty ones do nothing. Mutators run before schema validation, validators after it, both in order."""

    mutators: list[Mutator] = field(default_factory=list)
    validators: list[Validator] = field(default_factory=list)
    logs: LogSource | None = None
    computed: dict[Storage, ObjectSource] = field(default_factory=dict)
    """Where the objects of a kind come from that is served but not stored."""
