"""Defaults of the kinds that run pods from a template."""

from __future__ import annotations

from typing import Final

from clusters.embedded.api.pod_defaults import pod_spec
from clusters.embedded.api.status import Object

TEMPLATE_GENERATION: Final = "deprecated.daemonset.template.generation"
JOB_PREFIX: Final = "batch.kubernetes.io/"


def _template(spec: Object) -> Object:
    """The spec, with defaults in its pod template."""
    template = spec.setdefault("template", {})
    template.setdefault("metadata", {})
    pod_spec(template.setdefault("spec", {}))
    return spec


def _spec(value: Object) -> Object:
    return _template(value.setdefault("spec", {}))


def deployment(value: Object) -> None:
    spec = _spec(value)
    spec.setdefault("replicas", 1)
    strategy = spec.setdefault("strategy", {})
    strategy.setdefault("type", "RollingUpdate")
    if strategy["type"] == "RollingUpdate":
        rolling = strategy.setdefault("rollingUpdate", {})
        rolling.setdefault("maxUnavailable", "25%")
        rolling.setdefault("maxSurge", "25%")
    spec.setdefault("revisionHistoryLimit", 10)
    spec.setdefault("progressDeadlineSeconds", 600)


def replica_set(value: Object) -> None:
    _spec(value).setdefault("replicas", 1)
    _labels_of_template(value)


def replication_controller(value: Object) -> None:
    spec = _spec(value)
    spec.setdefault("replicas", 1)
    labels = (spec["template"].get("metadata") or {}).get("labels")
    if labels and not spec.get("selector"):
        spec["selector"] = dict(labels)
    _labels_of_template(value)


def _labels_of_template(value: Object) -> None:
    """Those of the template, where the object has none."""
    labels = (value["spec"]["template"].get("metadata") or {}).get("labels")
    if labels and not value["metadata"].get("labels"):
        value["metadata"]["labels"] = dict(labels)


def daemon_set(value: Object) -> None:
    spec = _spec(value)
    spec.setdefault("revisionHistoryLimit", 10)
    strategy = spec.setdefault("updateStrategy", {})
    strategy.setdefault("type", "RollingUpdate")
    if strategy["type"] == "RollingUpdate":
        rolling = strategy.setdefault("rollingUpdate", {})
        rolling.setdefault("maxUnavailable", 1)
        rolling.setdefault("maxSurge", 0)


def new_daemon_set(value: Object) -> None:
    value["metadata"].setdefault("annotations", {})[TEMPLATE_GENERATION] = "1"


def stateful_set(value: Object) -> None:
    spec = _spec(value)
    spec.setdefault("replicas", 1)
    spec.setdefault("podManagementPolicy", "OrderedReady")
    spec.setdefault("revisionHistoryLimit", 10)
    strategy = spec.setdefault("updateStrategy", {})
    strategy.setdefault("type", "RollingUpdate")
    if strategy["type"] == "RollingUpdate":
        strategy.setdefault("rollingUpdate", {}).setdefault("partition", 0)
    retention = spec.setdefault("persistentVolumeClaimRetentionPolicy", {})
    retention.setdefault("whenDeleted", "Retain")
    retention.setdefault("whenScaled", "Retain")


def job(value: Object) -> None:
    _job_spec(value.setdefault("spec", {}))


def _job_spec(spec: Object) -> None:
    _template(spec)
    if "completions" not in spec and "parallelism" not in spec:
        spec["completions"] = 1
    spec.setdefault("parallelism", 1)
    spec.setdefault("backoffLimit", 6)
    for name, word in (("completionMode", "NonIndexed"), ("podReplacementPolicy", "TerminatingOrFailed")):
        spec.setdefault(name, word)
    for name in ("suspend", "manualSelector"):
        spec.setdefault(name, False)


def new_job(value: Object) -> None:
    """A job selects its pods by its own uid unless it is told to select by hand."""
    spec, metadata = value["spec"], value["metadata"]
    if spec["manualSelector"]:
        return
    labels = spec["template"]["metadata"].setdefault("labels", {})
    for prefix in (JOB_PREFIX, ""):
        labels.setdefault(f"{prefix}controller-uid", metadata["uid"])
        labels.setdefault(f"{prefix}job-name", metadata["name"])
    spec["selector"] = {"matchLabels": {f"{JOB_PREFIX}controller-uid": metadata["uid"]}}


def cron_job(value: Object) -> None:
    spec = value.setdefault("spec", {})
    spec.setdefault("concurrencyPolicy", "Allow")
    spec.setdefault("suspend", False)
    spec.setdefault("successfulJobsHistoryLimit", 3)
    spec.setdefault("failedJobsHistoryLimit", 1)
    template = spec.setdefault("jobTemplate", {}).setdefault("spec", {}).setdefault("template", {})
    pod_spec(template.setdefault("spec", {}))
