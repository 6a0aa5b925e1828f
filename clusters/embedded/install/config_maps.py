"""The ConfigMaps of Knative and KServe with the values their releases ship.

`config-autoscaler` has no key set: an untouched installation, so that all defaults hold.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

Object = dict[str, Any]

KNATIVE_VERSION: Final = "1.23.0"
KSERVE_VERSION: Final = "v0.20.0"
KNATIVE_LABELS: Final = {"app.kubernetes.io/name": "knative-serving", "app.kubernetes.io/version": KNATIVE_VERSION}
NOTE: Final = "# Keys that are not set have Knative's defaults; this text is not read.\n"


def _map(namespace: str, name: str, data: Mapping[str, str], labels: Mapping[str, str]) -> Object:
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": name, "namespace": namespace, "labels": dict(labels)},
        "data": dict(data),
    }


def knative_settings(domain: str, *, ingress_class: str, autoscaler: Mapping[str, str] | None = None) -> list[Object]:
    """ConfigMaps in `knative-serving`."""
    example = {"_example": NOTE}
    data: dict[str, dict[str, str]] = {
        "config-autoscaler": {**example, **(autoscaler or {})},
        "config-defaults": dict(example),
        "config-deployment": {
            **example,
            "queue-sidecar-image": "gcr.io/knative-releases/knative.dev/serving/cmd/queue:v1.23.0",
            "registries-skipping-tag-resolving": "kind.local,ko.local,dev.local",
        },
        "config-domain": {domain: ""},
        "config-features": dict(example),
        "config-gc": dict(example),
        "config-network": {**example, "ingress-class": ingress_class},
        "config-observability": dict(example),
        "config-tracing": dict(example),
    }
    return [_map("knative-serving", name, values, KNATIVE_LABELS) for name, values in data.items()]


def kserve_settings(domain: str, *, virtual_host: bool, default_mode: str) -> list[Object]:
    """The one ConfigMap of KServe; each value is JSON."""
    image = "kserve/storage-initializer:" + KSERVE_VERSION
    sections: dict[str, Any] = {
        "autoscaler": {"scaleUpStabilizationWindowSeconds": "0", "scaleDownStabilizationWindowSeconds": "300"},
        "deploy": {"defaultDeploymentMode": default_mode},
        "inferenceService": {
            "resource": {"cpuLimit": "1", "memoryLimit": "2Gi", "cpuRequest": "1", "memoryRequest": "2Gi"}
        },
        "ingress": {
            "enableGatewayApi": False,
            "ingressGateway": "knative-serving/knative-ingress-gateway",
            "localGateway": "knative-serving/knative-local-gateway",
            "localGatewayService": "knative-local-gateway.istio-system.svc.cluster.local",
            "ingressDomain": domain,
            "ingressClassName": "istio",
            "domainTemplate": "{{ .Name }}-{{ .Namespace }}.{{ .IngressDomain }}",
            "urlScheme": "http",
            "disableIstioVirtualHost": not virtual_host,
            "disableIngressCreation": False,
        },
        "logger": {"image": "kserve/agent:" + KSERVE_VERSION, "memoryRequest": "100Mi", "cpuRequest": "100m"},
        "batcher": {"image": "kserve/agent:" + KSERVE_VERSION, "memoryRequest": "1Gi", "cpuRequest": "1"},
        "storageInitializer": {
            "image": image,
            "memoryRequest": "100Mi",
            "memoryLimit": "1Gi",
            "cpuRequest": "100m",
            "cpuLimit": "1",
        },
    }
    data = {name: json.dumps(value, indent=2) for name, value in sections.items()}
    labels = {"app.kubernetes.io/name": "kserve", "app.kubernetes.io/version": KSERVE_VERSION}
    return [_map("kserve", "inferenceservice-config", data, labels)]
