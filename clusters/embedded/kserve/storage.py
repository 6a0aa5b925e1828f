"""KServe's pod webhook: fetching the model before the container starts, and placing accelerators
(pkg/webhook/admission/pod)."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from clusters.embedded.api.json_values import copied
from clusters.embedded.kserve.kserve_names import (
    ACCELERATOR,
    CONTAINER,
    INFERENCE_SERVICE,
    INITIALIZER,
    MODEL_PATH,
    SOURCE_URI,
    wants_gpu,
)
from clusters.embedded.objects.metadata import Object, annotations_of

VOLUME: Final = "kserve-provision-location"


def inject(pod: Object, containers: Iterable[Object], fallback: Object) -> Object:
    """A pod of an InferenceService as the webhook leaves it; others are left alone.

    `containers`: the ClusterStorageContainers; the first that serves the URI fetches, else `fallback`.
    """
    labels = pod["metadata"].get("labels") or {}
    if INFERENCE_SERVICE not in labels:
        return pod
    result = copied(pod)
    spec = result["spec"]
    kind = annotations_of(result).get(ACCELERATOR)
    if kind and any(wants_gpu(container.get("resources")) for container in spec["containers"]):
        spec["nodeSelector"] = {**(spec.get("nodeSelector") or {}), "cloud.google.com/gke-accelerator": kind}
    source = annotations_of(result).get(SOURCE_URI)
    if not source or source.startswith("oci://"):
        return result
    if any(container["name"] == INITIALIZER for container in spec.get("initContainers") or ()):
        return result
    chosen = next((entry["spec"]["container"] for entry in containers if _serves(entry, source)), fallback)
    initializer = {
        **copied(chosen),
        "name": INITIALIZER,
        "args": [source, MODEL_PATH],
        "volumeMounts": [{"name": VOLUME, "mountPath": MODEL_PATH}],
    }
    spec["initContainers"] = [*(spec.get("initContainers") or ()), initializer]
    spec["volumes"] = [*(spec.get("volumes") or ()), {"name": VOLUME, "emptyDir": {}}]
    for container in spec["containers"]:
        if container["name"] == CONTAINER:
            mount = {"name": VOLUME, "mountPath": MODEL_PATH, "readOnly": True}
            container["volumeMounts"] = [*(container.get("volumeMounts") or ()), mount]
    return result


def _serves(entry: Object, source: str) -> bool:
    if entry.get("disabled") or entry["spec"].get("workloadType") == "localModelDownloadJob":
        return False
    for form in entry["spec"].get("supportedUriFormats") or ():
        if form.get("prefix") and source.startswith(form["prefix"]):
            return True
        if form.get("regex") and re.match(form["regex"], source):
            return True
    return False
