"""KServe's defaulting webhook (pkg/apis/serving/v1beta1/inference_service_defaults.go).

The old schema, one key per framework, becomes the new one; replicas, targets and concurrency get no default here.
"""

from __future__ import annotations

from typing import Final

from clusters.embedded.api.json_values import copied
from clusters.embedded.kserve.kserve_names import (
    CONTAINER,
    DEPLOYMENT_MODE,
    EXPLAINER,
    FRAMEWORKS,
    KNATIVE,
    MODEL_FORMAT,
    OLD_MODES,
    PREDICTOR,
    TRANSFORMER,
)
from clusters.embedded.kserve.kserve_settings import KserveSettings
from clusters.embedded.objects.metadata import Object

SECOND_PROTOCOL: Final = ("triton", "vllm")
"""Formats that speak protocol v2 only."""
OLD_SECOND_PROTOCOL: Final = ("onnx", "huggingface", "triton")
"""Old keys that mean protocol v2 unless the manifest says otherwise."""


def default(service: Object, settings: KserveSettings) -> Object:
    """An InferenceService as it is stored."""
    result = copied(service)
    annotations = result["metadata"].get("annotations") or {}
    mode = annotations.get(DEPLOYMENT_MODE)
    if mode in OLD_MODES:
        annotations[DEPLOYMENT_MODE] = OLD_MODES[mode]
    elif mode is None and settings.default_mode != KNATIVE:
        annotations[DEPLOYMENT_MODE] = settings.default_mode
    spec = result.get("spec") or {}
    predictor = spec.get(PREDICTOR)
    if isinstance(predictor, dict):
        _convert(predictor)
        model = predictor.get("model")
        if isinstance(model, dict):
            name = (model.get("modelFormat") or {}).get("name")
            if name:
                annotations[MODEL_FORMAT] = name
            if name in SECOND_PROTOCOL and not model.get("protocolVersion"):
                model["protocolVersion"] = "v2"
        elif predictor.get("containers"):
            _default_container(predictor, settings)
    for component in (TRANSFORMER, EXPLAINER):
        part = spec.get(component)
        if isinstance(part, dict) and part.get("containers"):
            _default_container(part, settings)
    if annotations:
        result["metadata"]["annotations"] = annotations
    return result


def _convert(predictor: Object) -> None:
    """Move an old framework key to `model`."""
    if predictor.get("model"):
        return
    for framework in FRAMEWORKS:
        old = predictor.get(framework)
        if old is None:
            continue
        model: Object = {"modelFormat": {"name": framework}, **old}
        if framework in OLD_SECOND_PROTOCOL and not model.get("protocolVersion"):
            model["protocolVersion"] = "v2"
        del predictor[framework]
        predictor["model"] = model
        return


def _default_container(part: Object, settings: KserveSettings) -> None:
    """A custom container is the serving one and gets the cluster's resources where it names none."""
    containers = part["containers"]
    first = next((c for c in containers if c.get("name") == CONTAINER), containers[0])
    if not first.get("name"):
        first["name"] = CONTAINER
    resources = first.setdefault("resources", {})
    for kind in ("requests", "limits"):
        amounts = resources.setdefault(kind, {})
        amounts.setdefault("cpu", settings.cpu)
        amounts.setdefault("memory", settings.memory)
