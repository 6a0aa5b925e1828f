"""How settings become parameters: target, decider parameters, bounds, and what validation says."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from clusters.embedded.golden.golden_fields import annotations_from, config_from, flag, resolved_from
from clusters.embedded.golden.tables.table_rows import Row
from conformance.model import admission
from conformance.model.config import AutoscalerConfig
from conformance.model.hpa import hpa_spec
from conformance.model.resolve import resolve, resolve_bounds, resolve_target


def answer_target(row: Row) -> dict[str, Any]:
    """target_resolution: load per pod to aim for, and possible. Empty annotations are there, with an empty value."""
    annotations = {
        "metric": row["metric"],
        "target": row["target"],
        "target-utilization-percentage": row["utilization"],
    }
    target, total = resolve_target(
        config_from(row["configmap"]), annotations_from(annotations), row["container_concurrency"]
    )
    return {"target_value": target, "total_value": total}


def answer_decider(row: Row) -> dict[str, Any]:
    """decider_resolution: every parameter a decision uses."""
    parameters = resolve(
        config_from(row["configmap"]), annotations_from(row["annotations"]), reachability=row["reachability"]
    )
    ours = resolved_from(parameters)
    return {"resolved": {name: ours.get(name) for name in row["resolved"]}}


def answer_bounds(row: Row) -> dict[str, Any]:
    """scale_bounds: min and max pods, 0 for unset."""
    least, most = resolve_bounds(
        config_from(row["configmap"]), annotations_from(row["annotations"]), row["reachability"]
    )
    return {"min": least, "max": most}


def answer_annotations(row: Row) -> dict[str, Any]:
    """annotation_validation: the webhook's message, empty when accepted."""
    lines = admission.validate(annotations_from(row["annotations"]), config_from(row["configmap"]))
    return {"accepted": flag(not lines), "message": "\n".join(lines)}


def answer_config(row: Row) -> dict[str, Any]:
    """configmap_validation: the settings read, or the message."""
    try:
        config = config_from(row["configmap"])
    except ValueError as error:
        return {"accepted": 0, "message": str(error), "parsed": None}
    ours = _name_settings(config)
    parsed = {name: ours.get(name) for name in row["parsed"] or ()}
    return {"accepted": 1, "message": "", "parsed": parsed if row["parsed"] is not None else ours}


def _name_settings(config: AutoscalerConfig) -> dict[str, Any]:
    """Settings by Knative's names, durations in nanoseconds."""
    named: dict[str, Any] = {"TargetUtilization": 0.7}
    for field in fields(config):
        words = field.name.removesuffix("_nanoseconds").replace("requests_per_second", "RPS").split("_")
        name = "".join(word if word.isupper() else word.capitalize() for word in words)
        named[name] = getattr(config, field.name)
    return named


def answer_hpa(row: Row) -> dict[str, Any]:
    """hpa: the HorizontalPodAutoscaler of an annotation set; what it scales is not the rule's."""
    recorded = row["spec"]
    spec = hpa_spec(annotations_from(row["annotations"]), config_from(row.get("configmap")))
    if "scaleTargetRef" in recorded:
        spec["scaleTargetRef"] = recorded["scaleTargetRef"]
    return {"spec": spec}
