"""Namespace ServingRuntimes: KServe prefers them to the cluster's own, so the documented manifest finds the witness.

No readiness probe is given, like in the runtimes they stand in for: Knative and KServe then check that port 8080
accepts connections, and the witness opens it only when its start is over. Requests are small so that the documented pod
counts fit a laptop. Node placement and pull secrets go here too, since a manifest may not change.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

from conformance.base import bounded_yaml
from conformance.base.errors import UsageError
from conformance.kube.resources import CLUSTER_SERVING_RUNTIMES, SERVING_RUNTIMES

Object = dict[str, Any]

WITNESS_PLACEHOLDER: Final = "serving-conformance.invalid/witness"
"""Stands in a manifest for the witness's image, whose name is known once the cluster is open."""


@dataclass(frozen=True, slots=True)
class ModelFormat:
    """A model format that the witness serves in the place of its own servers."""

    name: str
    versions: tuple[str, ...] = ("1", "2")
    runtime: str = ""
    """The ServingRuntime that a manifest asks for by name; empty where KServe chooses."""
    protocols: tuple[str, ...] = ("v1", "v2")


DOCUMENTED: Final = tuple(ModelFormat(name, protocols=("v1",)) for name in ("tensorflow", "pytorch"))
"""Model formats of the documented examples."""

TRANSFORMER_IMAGE: Final = "kserve/image-transformer:latest"
"""Named by the transformer example itself, so no runtime can replace it. The witness answers under this name: on the
embedded platform the name alone selects it; kind and k3s nodes find it in a registry mirror of docker.io that holds the
witness under it (a preloaded tag is not enough, as `latest` is always pulled)."""

REQUESTS: Final = {"cpu": "25m", "memory": "64Mi"}
LIMITS: Final = {"memory": "256Mi"}


def runtimes(
    image: str,
    *,
    service_ms: int = 100,
    start_seconds: float = 6.0,
    node_selector: Mapping[str, str] | None = None,
    tolerations: Iterable[Mapping[str, Any]] = (),
    image_pull_secret: str | None = None,
    formats: Iterable[ModelFormat] = DOCUMENTED,
) -> tuple[Object, ...]:
    """One ServingRuntime per model format, without a namespace.

    `image` best has a digest: KServe writes a manifest's `runtimeVersion` over a tag, never over a digest. With a tag
    the same image must also be there as `2.6.2` and `2.6.2-gpu` (`tags`)."""
    pod: Object = {"containers": [_container(image, service_ms, start_seconds)]}
    if node_selector:
        pod["nodeSelector"] = dict(node_selector)
    if tolerations := [dict(entry) for entry in tolerations]:
        pod["tolerations"] = tolerations
    if image_pull_secret:
        pod["imagePullSecrets"] = [{"name": image_pull_secret}]
    return tuple(_runtime(each, pod) for each in formats)


def _container(image: str, service_ms: int, start_seconds: float) -> Object:
    return {
        "name": "kserve-container",
        "image": image,
        "imagePullPolicy": "IfNotPresent",
        "env": [
            {"name": "WITNESS_KIND", "value": "model"},
            {"name": "WITNESS_SERVICE_MS", "value": str(service_ms)},
            {"name": "WITNESS_START_SECONDS", "value": f"{start_seconds:g}"},
            {"name": "WITNESS_MODEL_NAME", "value": "{{.Name}}"},
        ],
        "ports": [{"containerPort": 8080, "protocol": "TCP"}],
        "resources": {"requests": dict(REQUESTS), "limits": dict(LIMITS)},
    }


def _runtime(served: ModelFormat, pod: Mapping[str, Any]) -> Object:
    return {
        "apiVersion": SERVING_RUNTIMES.api_version,
        "kind": SERVING_RUNTIMES.kind,
        "metadata": {"name": served.runtime or f"stub-{served.name}"},
        "spec": {
            "supportedModelFormats": [
                {"name": served.name, "version": version, "autoSelect": True, "priority": 1}
                for version in served.versions
            ],
            "protocolVersions": list(served.protocols),
            **pod,
        },
    }


def tags(image: str) -> tuple[str, ...]:
    """Names an image without digest needs beside its own, because examples set `runtimeVersion`."""
    if "@" in image:
        return ()
    repository, colon, tag = image.rpartition(":")
    if not colon or "/" in tag:
        repository = image
    return tuple(f"{repository}:{version}" for version in ("2.6.2", "2.6.2-gpu"))


def from_file(path: Path) -> tuple[Object, ...]:
    """A vendor's own ServingRuntimes (setting placement.runtime_file). Raises UsageError."""
    try:
        documents = [value for value in bounded_yaml.load_all(path.read_text(encoding="utf-8")) if value]
    except (OSError, yaml.YAMLError, UnicodeDecodeError) as error:
        raise UsageError(f"runtimes {path}: {error}") from error
    for value in documents:
        kind = value.get("kind") if isinstance(value, dict) else None
        if kind == CLUSTER_SERVING_RUNTIMES.kind:
            raise UsageError(f"runtimes {path}: write kind ServingRuntime; the suite changes nothing cluster-wide")
        if kind != SERVING_RUNTIMES.kind:
            raise UsageError(f"runtimes {path}: {kind!r} is not a ServingRuntime")
        if not isinstance(value.get("metadata"), dict) or not isinstance(value["metadata"].get("name"), str):
            raise UsageError(f"runtimes {path}: a ServingRuntime has no metadata.name")
        value["metadata"].pop("namespace", None)
    if not documents:
        raise UsageError(f"runtimes {path}: holds no ServingRuntime")
    return tuple(documents)
