"""Image references: the witness's own, the documented models', and the same taken from a mirror."""

from __future__ import annotations

from typing import Final

from conformance.kube.serving_runtimes import TRANSFORMER_IMAGE
from conformance.settings.settings import Settings

WITNESS: Final = "serving-conformance/witness:0.1.0"
"""Name under which nodes pull the witness; see fixtures/witness/Dockerfile."""


DOCUMENTED: Final = (
    "tensorflow/serving:2.6.2",
    "tensorflow/serving:2.6.2-gpu",
    "pytorch/torchserve-kfs:0.9.0",
    TRANSFORMER_IMAGE,
)
"""What KServe's own runtimes make of the documented manifests."""


def scenario_images(settings: Settings) -> tuple[str, ...]:
    """Images of the pods that scenarios make."""
    if settings.model == "real":
        return DOCUMENTED
    return witness_image(settings), f"{TRANSFORMER_IMAGE} (the witness under this name)"


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
