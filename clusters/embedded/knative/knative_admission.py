"""Knative's webhooks for Services: defaults, then the complaints (pkg/apis/serving/v1, pkg/apis/autoscaling)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Final

from clusters.embedded.api.api_errors import ApiError
from clusters.embedded.api.json_values import copied
from clusters.embedded.knative.knative_names import AUTOSCALING_PREFIX, CREATOR, MODIFIER
from clusters.embedded.objects.metadata import Object
from conformance.model.admission import validate
from conformance.model.config import AutoscalerConfig

WEBHOOK: Final = "validation.webhook.serving.knative.dev"
AUTHOR: Final = "system:serviceaccount:kserve:kserve-controller-manager"


def _number(settings: Mapping[str, str], key: str, default: int) -> int:
    try:
        return int(settings.get(key, default))
    except ValueError:
        return default


def default_service(service: Object, settings: Mapping[str, str], author: str = AUTHOR) -> Object:
    """A Knative Service with what the defaulting webhook adds. `settings`: data of config-defaults."""
    result = copied(service)
    notes = result["metadata"].setdefault("annotations", {})
    notes.setdefault(CREATOR, author)
    notes.setdefault(MODIFIER, author)
    spec = result.setdefault("spec", {})
    template = spec.setdefault("template", {})
    template.setdefault("metadata", {})
    pod = template.setdefault("spec", {})
    pod.setdefault("containerConcurrency", _number(settings, "container-concurrency", 0))
    pod.setdefault("timeoutSeconds", _number(settings, "revision-timeout-seconds", 300))
    pod.setdefault("enableServiceLinks", False)
    for position, container in enumerate(pod.get("containers") or ()):
        container.setdefault("name", "user-container" if position == 0 else f"user-container-{position}")
        container.setdefault("resources", {})
        if position == 0:
            container.setdefault("readinessProbe", {"successThreshold": 1, "tcpSocket": {"port": 0}})
    if not spec.get("traffic"):
        spec["traffic"] = [{"latestRevision": True, "percent": 100}]
    return result


def validate_service(service: Object, config: AutoscalerConfig, settings: Mapping[str, str]) -> list[str]:
    """Complaints about a defaulted Service; none when it is accepted."""
    return list(_complaints(service, config, settings))


def _complaints(service: Object, config: AutoscalerConfig, settings: Mapping[str, str]) -> Iterator[str]:
    own = service["metadata"].get("annotations") or {}
    for name in sorted(own):
        if name.startswith(AUTOSCALING_PREFIX):
            yield (
                f'invalid key name "{name}": metadata.annotations\n'
                'autoscaling annotations must be put under "spec.template.metadata.annotations" to work'
            )
    template = service["spec"]["template"]
    notes = (template.get("metadata") or {}).get("annotations") or {}
    yield from validate(notes, config, prefix="spec.template.metadata.annotations.")
    pod = template["spec"]
    yield from _between(
        pod.get("containerConcurrency"),
        0,
        _number(settings, "container-concurrency-max-limit", 1000),
        "spec.template.spec.containerConcurrency",
    )
    most = _number(settings, "max-revision-timeout-seconds", 600)
    for field in ("timeoutSeconds", "responseStartTimeoutSeconds", "idleTimeoutSeconds"):
        yield from _between(pod.get(field), 0, most, f"spec.template.spec.{field}")
    if not pod.get("containers"):
        yield "missing field(s): spec.template.spec.containers"
    total = sum(int(target.get("percent") or 0) for target in service["spec"]["traffic"])
    if total != 100:
        yield f"Traffic targets sum to {total}, want 100: spec.traffic"


def _between(value: int | None, low: int, high: int, path: str) -> Iterator[str]:
    if value is not None and not low <= value <= high:
        yield f"expected {low} <= {value} <= {high}: {path}"


def admit_service(
    service: Object,
    old: Object | None,
    config: AutoscalerConfig,
    settings: Mapping[str, str],
    heeded: Callable[[list[str]], list[str]] = list,
) -> Object:
    """Default and check, as the API server does on a write. Raises ApiError BadRequest for what is `heeded`."""
    result = default_service(service, settings)
    if old is not None:
        before = old["metadata"].get("annotations") or {}
        if CREATOR in before:
            result["metadata"]["annotations"][CREATOR] = before[CREATOR]
    found = heeded(validate_service(result, config, settings))
    if found:
        text = f'admission webhook "{WEBHOOK}" denied the request: validation failed: ' + "\n".join(found)
        raise ApiError("BadRequest", text)
    return result
