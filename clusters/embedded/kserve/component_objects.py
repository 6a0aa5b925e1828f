"""From a component of an InferenceService and its runtime to what a pod of it looks like.

Precedence of labels and annotations: component, InferenceService, runtime
(pkg/controller/v1beta1/inferenceservice/components/predictor.go, transformer.go).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Final

from clusters.embedded.api.json_values import copied
from clusters.embedded.kserve.kserve_names import (
    COMPONENT,
    CONTAINER,
    INFERENCE_SERVICE,
    LAST_APPLIED,
    MAX_SCALE_ANNOTATION,
    MIN_SCALE_ANNOTATION,
    MODEL_FORMAT,
    PREDICTOR,
    SERVER_TYPE,
    SOURCE_URI,
    component_name,
    wants_gpu,
)
from clusters.embedded.kserve.kserve_settings import KserveSettings
from clusters.embedded.kserve.runtimes import ChosenRuntime
from clusters.embedded.objects.metadata import Object, annotations_of

NOT_PASSED_ON: Final = (
    MIN_SCALE_ANNOTATION,
    MAX_SCALE_ANNOTATION,
    SOURCE_URI,
    LAST_APPLIED,
    MODEL_FORMAT,
)
"""Annotations of the InferenceService that do not reach the pods (pkg/constants/constants.go)."""

EXTENSIONS: Final = (
    "minReplicas",
    "maxReplicas",
    "scaleTarget",
    "scaleMetric",
    "scaleMetricType",
    "autoScaling",
    "containerConcurrency",
    "timeout",
    "canaryTrafficPercent",
    "logger",
    "batcher",
    "labels",
    "annotations",
    "deploymentStrategy",
    "model",
    "name",
    "workerSpec",
)
"""Keys of a component that are no part of its pod."""

GPU_TAGS: Final = ("tensorflow", "tfserving", "torchserve", "huggingfaceserver")
"""Server types whose image has a -gpu variant (inferenceservice/utils/utils.go)."""
BUILT_IN_TYPES: Final = {
    "kserve-tensorflow-serving": "tfserving",
    "kserve-torchserve": "torchserve",
    "kserve-huggingfaceserver": "huggingfaceserver",
}


@dataclass(frozen=True, slots=True)
class PodTemplate:
    """What every pod of a component carries."""

    labels: dict[str, str]
    annotations: dict[str, str]
    spec: Object


def predictor(service: Object, runtime: ChosenRuntime | None, settings: KserveSettings) -> PodTemplate:
    """The predictor's pods; `runtime` None for a custom predictor."""
    part = service["spec"][PREDICTOR]
    name = service["metadata"]["name"]
    model = part.get("model") or {}
    if runtime is None:
        spec = _own_pod(part)
        labels, runtime_annotations = {}, {}
        source = next(
            (e.get("value") for c in spec["containers"] for e in c.get("env") or () if e.get("name") == "STORAGE_URI"),
            None,
        )
    else:
        spec = _merged_pod(runtime, part)
        labels = dict(runtime.spec.get("labels") or {})
        runtime_annotations = dict(runtime.spec.get("annotations") or {})
        source = model.get("storageUri")
        if (model.get("modelFormat") or {}).get("name") == "pytorch":
            labels["serviceEnvelope"] = "kserve" if (model.get("protocolVersion") or "v1") == "v1" else "kservev2"
    spec = _replace_placeholders(spec, name, {**labels, **_labels(service, part)})
    for container in spec["containers"]:
        _set_env(container, "INFERENCE_SERVICE_NAME", name)
    found = {**runtime_annotations, **_passed_on(service, settings), **(part.get("annotations") or {})}
    if source:
        found[SOURCE_URI] = source
    return PodTemplate(_all_labels(service, part, PREDICTOR, labels, settings), found, spec)


def custom(service: Object, component: str, settings: KserveSettings) -> PodTemplate:
    """A transformer's or explainer's pods: the manifest's own container, told where the predictor is."""
    part = service["spec"][component]
    name, namespace = service["metadata"]["name"], service["metadata"]["namespace"]
    spec = _own_pod(part)
    container = next((c for c in spec["containers"] if c.get("name") == CONTAINER), spec["containers"][0])
    args = list(container.get("args") or ())
    host = f"{component_name(name, PREDICTOR, service['spec'][PREDICTOR])}.{namespace}"
    wanted = [("--model_name", name), ("--predictor_host", host), ("--http_port", "8080")]
    limit = part.get("containerConcurrency")
    if limit is not None:
        wanted.append(("--workers", str(limit)))
    for flag, value in wanted:
        if not any(entry == flag or entry.startswith(flag + "=") for entry in args):
            args += [flag, value]
    container["args"] = args
    for entry in spec["containers"]:
        _set_env(entry, "INFERENCE_SERVICE_NAME", name)
    found = {**_passed_on(service, settings), **(part.get("annotations") or {})}
    return PodTemplate(_all_labels(service, part, component, {}, settings), found, spec)


def _labels(service: Object, part: Object) -> dict[str, str]:
    return {**(service["metadata"].get("labels") or {}), **(part.get("labels") or {})}


def _all_labels(
    service: Object, part: Object, component: str, runtime: dict[str, str], settings: KserveSettings
) -> dict[str, str]:
    passed = {k: v for k, v in _labels(service, part).items() if k not in settings.labels_not_passed_on}
    return {**runtime, **passed, INFERENCE_SERVICE: service["metadata"]["name"], COMPONENT: component}


def _passed_on(service: Object, settings: KserveSettings) -> dict[str, str]:
    kept_back = (*NOT_PASSED_ON, *settings.annotations_not_passed_on)
    return {key: text for key, text in annotations_of(service).items() if key not in kept_back}


def _own_pod(part: Object) -> Object:
    spec: Object = copied({key: value for key, value in part.items() if key not in EXTENSIONS})
    if len(spec.get("containers") or ()) == 1 and not spec["containers"][0].get("name"):
        spec["containers"][0]["name"] = CONTAINER
    return spec


def _merged_pod(runtime: ChosenRuntime, part: Object) -> Object:
    """The runtime's pod with the model's own settings over its serving container and the component's over the rest."""
    model = part["model"]
    keys = ("containers", "volumes", "nodeSelector", "tolerations", "affinity", "imagePullSecrets", "hostIPC")
    spec: Object = {key: copied(runtime.spec[key]) for key in keys if runtime.spec.get(key)}
    for key, value in _own_pod(part).items():
        if isinstance(value, list):
            spec[key] = [*spec.get(key, []), *value]
        elif isinstance(value, dict):
            spec[key] = {**spec.get(key, {}), **value}
        else:
            spec[key] = value
    container = next((c for c in spec["containers"] if c["name"] == CONTAINER), spec["containers"][0])
    _overlay(container, model)
    container["image"] = _image(container.get("image", ""), model, container, runtime)
    if (model.get("modelFormat") or {}).get("name") == "pytorch":
        _set_env(container, "PROTOCOL_VERSION", model.get("protocolVersion") or "v1")
    return spec


def _overlay(container: Object, model: Object) -> None:
    """Args are appended, env and ports merged by name, resources by amount, the rest replaced."""
    if model.get("args"):
        container["args"] = [*(container.get("args") or ()), *model["args"]]
    for entry in model.get("env") or ():
        _set_env(container, entry["name"], entry.get("value"), entry)
    for kind, amounts in (model.get("resources") or {}).items():
        resources = container.setdefault("resources", {})
        resources[kind] = {**(resources.get(kind) or {}), **amounts}
    for key in ("command", "image", "ports", "readinessProbe", "livenessProbe", "startupProbe", "volumeMounts"):
        if model.get(key):
            container[key] = copied(model[key])


def _set_env(container: Object, name: str, value: str | None, entry: Object | None = None) -> None:
    env = container.setdefault("env", [])
    found: Object = copied(entry) if entry else {"name": name, "value": value}
    for position, existing in enumerate(env):
        if existing["name"] == name:
            env[position] = found
            return
    env.append(found)


def _image(image: str, model: Object, container: Object, runtime: ChosenRuntime) -> str:
    """`runtimeVersion` replaces the tag; without it a GPU limit picks the -gpu tag. A digest is never changed."""
    if "@" in image or model.get("image"):
        return image
    repository, colon, tag = image.rpartition(":")
    if not colon or "/" in tag:
        repository, tag = image, "latest"
    version = model.get("runtimeVersion")
    if version:
        return f"{repository}:{version}"
    kind = runtime.annotations.get(SERVER_TYPE) or BUILT_IN_TYPES.get(runtime.name, "")
    if wants_gpu(container.get("resources")) and kind in GPU_TAGS and not tag.endswith("-gpu"):
        return f"{repository}:{tag}-gpu"
    return image


_PLACEHOLDER: Final = re.compile(r"\{\{\s*\.(\w+)(?:\.(\w+))?\s*\}\}")


def _replace_placeholders(value: Any, name: str, labels: dict[str, str]) -> Any:
    """Runtimes may write {{.Name}} and {{.Labels.x}} where the service's own belong."""

    def text_of(match: re.Match[str]) -> str:
        field, key = match.groups()
        if field == "Name":
            return name
        return labels.get(key or "", "") if field == "Labels" else match.group(0)

    if isinstance(value, str):
        return _PLACEHOLDER.sub(text_of, value)
    if isinstance(value, list):
        return [_replace_placeholders(entry, name, labels) for entry in value]
    if isinstance(value, dict):
        return {key: _replace_placeholders(entry, name, labels) for key, entry in value.items()}
    return value
