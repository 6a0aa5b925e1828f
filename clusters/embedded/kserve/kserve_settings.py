"""KServe's own settings, read from its ConfigMap on every use, as its controllers do."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from clusters.embedded.kserve.kserve_names import KNATIVE, OLD_MODES

DOMAIN_TEMPLATE: Final = "{{ .Name }}-{{ .Namespace }}.{{ .IngressDomain }}"


@dataclass(frozen=True, slots=True)
class KserveSettings:
    """The part of `inferenceservice-config` that shapes what is deployed."""

    default_mode: str = KNATIVE
    virtual_host: bool = True
    """Istio virtual hosts: one host per InferenceService; without them the Knative Service's own host is published."""
    ingress_domain: str = "example.com"
    domain_template: str = DOMAIN_TEMPLATE
    url_scheme: str = "http"
    cpu: str = "1"
    memory: str = "2Gi"
    annotations_not_passed_on: tuple[str, ...] = ()
    labels_not_passed_on: tuple[str, ...] = ()
    initializer: Mapping[str, Any] | None = None


def parse(data: Mapping[str, str]) -> KserveSettings:
    """Read the ConfigMap's data; each value is JSON. Raises ValueError with KServe's key words."""
    deploy = _section(data, "deploy")
    ingress = _section(data, "ingress")
    if ingress and not ingress.get("ingressGateway"):
        raise ValueError("invalid ingress config - ingressGateway is required")
    inference = _section(data, "inferenceService")
    resource = inference.get("resource") or {}
    mode = deploy.get("defaultDeploymentMode") or KNATIVE
    return KserveSettings(
        default_mode=OLD_MODES.get(mode, mode),
        virtual_host=not ingress.get("disableIstioVirtualHost", False),
        ingress_domain=ingress.get("ingressDomain") or "example.com",
        domain_template=ingress.get("domainTemplate") or DOMAIN_TEMPLATE,
        url_scheme=ingress.get("urlScheme") or "http",
        cpu=resource.get("cpuLimit") or "1",
        memory=resource.get("memoryLimit") or "2Gi",
        annotations_not_passed_on=tuple(inference.get("serviceAnnotationDisallowedList") or ()),
        labels_not_passed_on=tuple(inference.get("serviceLabelDisallowedList") or ()),
        initializer=_section(data, "storageInitializer"),
    )


def _section(data: Mapping[str, str], name: str) -> dict[str, Any]:
    text = data.get(name)
    if not text:
        return {}
    try:
        value = json.loads(text)
    except ValueError as error:
        raise ValueError(f"unable to parse {name} config json: {error}") from error
    return value if isinstance(value, dict) else {}
