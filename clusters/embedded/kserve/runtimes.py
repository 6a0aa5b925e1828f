"""Which runtime serves a model (pkg/apis/serving/v1beta1/predictor_model.go, components/predictor.go).

Runtimes of the namespace come before those of the cluster; inside each, higher priority first, then the newest.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from clusters.embedded.objects.metadata import Object


@dataclass(frozen=True, slots=True)
class ChosenRuntime:
    """A runtime for a model."""

    name: str
    cluster: bool
    """Whether it is one of the cluster's own."""
    spec: Object
    annotations: dict[str, str]


class NoRuntimeError(Exception):
    """No runtime will serve the model. `reason` goes into modelStatus."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


def choose(model: Object, namespaced: Sequence[Object], cluster: Sequence[Object]) -> ChosenRuntime:
    """The runtime for a predictor's `model`. Raises NoRuntimeError."""
    protocol = model.get("protocolVersion") or "v1"
    named = model.get("runtime")
    if named:
        return _named(named, model, protocol, namespaced, cluster)
    for runtimes, whole in ((namespaced, False), (cluster, True)):
        fitting = [entry for entry in runtimes if _fits(entry, model, protocol, automatic=True)]
        if fitting:
            return _chosen(_order(fitting, model)[0], whole)
    text = f"No runtime found to support predictor with model type: {_format(model)}"
    raise NoRuntimeError("NoSupportingRuntime", text)


def _named(
    name: str, model: Object, protocol: str, namespaced: Sequence[Object], cluster: Sequence[Object]
) -> ChosenRuntime:
    for runtimes, whole in ((namespaced, False), (cluster, True)):
        for entry in runtimes:
            if entry["metadata"]["name"] != name:
                continue
            if entry["spec"].get("disabled"):
                raise NoRuntimeError("RuntimeDisabled", f"specified runtime {name} is disabled")
            if not _fits(entry, model, protocol, automatic=False):
                text = f"specified runtime {name} does not support specified framework/version"
                raise NoRuntimeError("NoSupportingRuntime", text)
            return _chosen(entry, whole)
    raise NoRuntimeError("RuntimeNotRecognized", f"specified runtime {name} does not exist")


def _chosen(entry: Object, cluster: bool) -> ChosenRuntime:
    return ChosenRuntime(entry["metadata"]["name"], cluster, entry["spec"], entry["metadata"].get("annotations") or {})


def _fits(entry: Object, model: Object, protocol: str, *, automatic: bool) -> bool:
    spec = entry["spec"]
    if spec.get("disabled") or spec.get("multiModel") or spec.get("workerSpec"):
        return False
    protocols = spec.get("protocolVersions")
    if protocols and protocol not in protocols:
        return False
    return any(
        _matches(supported, model) and (not automatic or supported.get("autoSelect"))
        for supported in spec.get("supportedModelFormats") or ()
    )


def _matches(supported: Object, model: Object) -> bool:
    wanted = model.get("modelFormat") or {}
    if supported.get("name") != wanted.get("name"):
        return False
    version = wanted.get("version")
    return version is None or supported.get("version") is None or supported["version"] == version


def _format(model: Object) -> str:
    wanted = model.get("modelFormat") or {}
    return f"{wanted.get('name')}" + (f":{wanted['version']}" if wanted.get("version") else "")


def _priority(entry: Object, model: Object) -> int:
    values = [
        supported.get("priority") or 0
        for supported in entry["spec"].get("supportedModelFormats") or ()
        if _matches(supported, model) and supported.get("autoSelect")
    ]
    return max(values, default=0)


def _order(entries: Iterable[Object], model: Object) -> list[Object]:
    def compare(left: Object, right: Object) -> int:
        for before, after in (
            (-_priority(left, model), -_priority(right, model)),
            (_created(right), _created(left)),
            (left["metadata"]["name"], right["metadata"]["name"]),
        ):
            if before != after:
                return -1 if before < after else 1
        return 0

    return sorted(entries, key=functools.cmp_to_key(compare))


def _created(entry: Object) -> Any:
    return entry["metadata"].get("creationTimestamp") or ""
