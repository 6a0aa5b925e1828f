"""The HorizontalPodAutoscaler of the HPA class."""

from __future__ import annotations

from typing import Any

import pytest

from conformance.model.config import AutoscalerConfig
from conformance.model.hpa import hpa_spec

G = "autoscaling.knative.dev"


def spec(config: AutoscalerConfig | None = None, **annotations: str) -> dict[str, Any]:
    full = {f"{G}/{name.replace('_', '-')}": value for name, value in annotations.items()}
    return hpa_spec(full, config or AutoscalerConfig())


def test_without_a_target_there_are_no_metrics_and_no_limit() -> None:
    assert spec(metric="cpu") == {"maxReplicas": 2147483647}
    assert spec(metric="cpu", target="x") == {"maxReplicas": 2147483647}


def test_bounds_come_from_annotations_or_the_cluster() -> None:
    assert spec(min_scale="2", max_scale="5") == {"minReplicas": 2, "maxReplicas": 5}
    assert spec(AutoscalerConfig(min_scale=1, max_scale=3)) == {"minReplicas": 1, "maxReplicas": 3}
    full = {f"{G}/min-scale": "2"}
    assert hpa_spec(full, AutoscalerConfig(), "Unreachable") == {"maxReplicas": 2147483647}


def test_cpu_is_a_rounded_up_utilization_and_the_default() -> None:
    metric = {
        "type": "Resource",
        "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 76}},
    }
    assert spec(metric="cpu", target="75.2")["metrics"] == [metric]
    assert spec(target="76")["metrics"] == [metric]


@pytest.mark.parametrize(("target", "value"), [("200.9", "200Mi"), ("1024", "1Gi"), ("1536", "1536Mi"), ("0.5", "0")])
def test_memory_is_in_whole_mebibytes(target: str, value: str) -> None:
    assert spec(metric="memory", target=target)["metrics"] == [
        {"type": "Resource", "resource": {"name": "memory", "target": {"type": "AverageValue", "averageValue": value}}}
    ]


@pytest.mark.parametrize(
    ("target", "value"),
    [("10.7", "10"), ("1000", "1k"), ("1500", "1500"), ("2000000", "2M"), ("7e18", "7E"), ("5e15", "5P")],
)
def test_any_other_metric_is_a_mean_per_pod(target: str, value: str) -> None:
    assert spec(metric="custom-m", target=target)["metrics"] == [
        {
            "type": "Pods",
            "pods": {"metric": {"name": "custom-m"}, "target": {"type": "AverageValue", "averageValue": value}},
        }
    ]


def test_the_window_stabilizes_both_ways() -> None:
    rules = {"stabilizationWindowSeconds": 20}
    assert spec(window="20s")["behavior"] == {"scaleUp": rules, "scaleDown": rules}
