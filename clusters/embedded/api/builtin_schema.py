"""Schemas of the built-in kinds, for decoding, field ownership and OpenAPI."""

from __future__ import annotations

from clusters.embedded.api.schema_data import Schema, built_in_roots, built_in_types
from conformance.kube.resources import Resource


def schema_of(resource: Resource) -> Schema | None:
    """The schema of a built-in kind; None for the few whose bodies are taken as they come."""
    name = built_in_roots().get(f"{resource.group}/{resource.version}/{resource.kind}")
    return None if name is None else built_in_types().named(name)


def object_meta() -> Schema:
    """The schema of `metadata`, the same for every kind."""
    return built_in_types().named("ObjectMeta")
