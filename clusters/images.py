"""Image references: the witness's own, and the same image taken from a mirror."""

from __future__ import annotations

from typing import Final

from conformance.settings.settings import Settings

WITNESS: Final = "serving-conformance/witness:0.1.0"
"""Name under which the suite builds, loads and pulls the witness; see fixtures/witness/Dockerfile."""


def witness_image(settings: Settings) -> str:
    """Reference to put into runtimes: what the settings name, else ours, from the mirror if there is one."""
    if settings.placement.witness_image:
        return settings.placement.witness_image
    return mirrored(WITNESS, settings.placement.registry_mirror)


def repository(reference: str) -> tuple[str, str]:
    """Registry host and the rest, with Docker's defaults: `redis` is docker.io, `library/redis`."""
    first, slash, rest = reference.partition("/")
    if slash and ("." in first or ":" in first or first == "localhost"):
        return first, rest
    return "docker.io", reference if slash else f"library/{reference}"


def mirrored(reference: str, mirror: str | None) -> str:
    """The image's name below a mirror: host[:port][/path] in place of its own registry."""
    if not mirror:
        return reference
    place = mirror.rpartition("://")[2].rstrip("/")
    return f"{place}/{repository(reference)[1]}"
