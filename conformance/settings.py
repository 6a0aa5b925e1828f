"""Settings of a run: one YAML file, environment variables and flags, with one stated precedence.

Flags win over environment variables, these over the file, the file over the defaults below. `settings.schema.json`
describes every key; names, types and choices of the other two sources come from it, so the three cannot drift apart.
Unknown keys are refused with the nearest known name, whichever source they come from.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any, Final

from conformance.deploy import PREFIX
from conformance.errors import SubmissionError, nearest
from conformance.run import Deviation, Implementation
from conformance.secret import HIDDEN, Secret
from conformance.settings_sources import SCHEMA, leaf, merged, secret

DEFAULT_FILE: Final = Path("conformance.yaml")
NO_REASON: Final = "the submitter gave no reason"


@dataclass(frozen=True, slots=True)
class Kubernetes:
    """The API server of an existing cluster, and names inside every cluster."""

    kubeconfig: str | None = None
    context: str | None = None
    namespace_prefix: str = PREFIX
    namespace_labels: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class IngressSettings:
    """How requests reach the platform; None is discovered."""

    address: str | None = None
    scheme: str | None = None
    headers: tuple[tuple[str, Secret], ...] = ()
    ca_file: str | None = None
    verify: bool = True
    port_forward: bool = True


@dataclass(frozen=True, slots=True)
class Placement:
    """Where the witness comes from and where its pods go."""

    node_selector: Mapping[str, str] = field(default_factory=dict)
    tolerations: tuple[Mapping[str, Any], ...] = ()
    image_pull_secret: str | None = None
    registry_mirror: str | None = None
    witness_image: str | None = None
    runtime_file: str | None = None


@dataclass(frozen=True, slots=True)
class Accelerator:
    """What one accelerator is called and how it is emulated."""

    resource: str = "nvidia.com/gpu"
    count: int = 8
    model: str | None = None
    emulation: str = "node-status"


@dataclass(frozen=True, slots=True)
class Install:
    """What the kind and k3s providers install."""

    kserve: str = "0.20"
    network_layer: str = "kourier"
    cluster_name: str = "serving-conformance"
    keep: str = "on-failure"
    manifests: str | None = None
    lock: str = "conformance.lock.yaml"
    digests: str = "record"
    models: str | None = None
    images: str | None = None


@dataclass(frozen=True, slots=True)
class Declared:
    """Facts the vendor states because they cannot be read."""

    distribution: str | None = None
    kserve: str | None = None
    knative: str | None = None
    autoscaler: str | None = None
    network_layer: str | None = None
    domain: str | None = None
    deployment_mode: str | None = None
    autoscaler_config: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Budgets:
    """What all running scenarios together may use."""

    load_rps: float = 600.0
    pods: int = 60
    gpus: int | None = None
    scenarios: int = 12


EMBEDDED_BUDGETS: Final = Budgets(load_rps=1500.0, pods=300, scenarios=40)
"""Where pods are no containers, all scenarios run side by side: the data plane carries some thousands of requests per
second on one core."""


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Seconds. Not at their default they are deviations."""

    readiness_timeout_seconds: float = 120.0
    deletion_timeout_seconds: float = 120.0
    install_timeout_seconds: float = 600.0


@dataclass(frozen=True, slots=True)
class Settings:
    """All settings of one run."""

    cluster: str = "embedded"
    gpu: str | None = None
    profiles: tuple[str, ...] = ()
    only: tuple[str, ...] = ()
    fault: str | None = None
    clock: str = "real"
    seed: int = 0
    model: str = "witness"
    reports: str = "reports/runs"
    kubernetes: Kubernetes = Kubernetes()
    ingress: IngressSettings = IngressSettings()
    placement: Placement = Placement()
    accelerator: Accelerator = Accelerator()
    install: Install = Install()
    declared: Declared = Declared()
    budgets: Budgets = Budgets()
    timeouts: Timeouts = Timeouts()
    reasons: Mapping[str, str] = field(default_factory=dict)
    implementation: Implementation | None = None
    features: tuple[str, ...] = ()

    def body(self) -> dict[str, Any]:
        """Plain JSON for run.json and settings.yaml: every setting, without secrets and without what names a site."""
        found = _public(asdict(self), SCHEMA)
        assert isinstance(found, dict)
        return found

    def deviations(self) -> tuple[Deviation, ...]:
        """Settings that bear on verdicts and are not at their default."""
        standard = Timeouts()
        return tuple(
            Deviation(
                name=entry.name,
                default=getattr(standard, entry.name),
                used=getattr(self.timeouts, entry.name),
                limit=leaf(f"timeouts.{entry.name}").get("x-limit"),
                reason=self.reasons.get(entry.name, NO_REASON),
            )
            for entry in fields(Timeouts)
            if getattr(self.timeouts, entry.name) != getattr(standard, entry.name)
        )


def load(
    path: Path | None = None, environ: Mapping[str, str] | None = None, flags: Mapping[str, Any] | None = None
) -> Settings:
    """Settings from all sources.

    `path` None takes ./conformance.yaml when there is one. `flags` maps dotted names to values, None meaning not given.
    Raises SubmissionError with the name, the value and what is known."""
    if path is None and DEFAULT_FILE.is_file():
        path = DEFAULT_FILE
    settings = _settings(merged(path, environ or {}, flags or {}), environ or {})
    _check(settings)
    if settings.cluster == "embedded" and settings.budgets == Budgets():
        return replace(settings, budgets=EMBEDDED_BUDGETS)
    return settings


_SECTIONS: Final[Mapping[str, type[Any]]] = {
    "kubernetes": Kubernetes,
    "ingress": IngressSettings,
    "placement": Placement,
    "accelerator": Accelerator,
    "install": Install,
    "declared": Declared,
    "budgets": Budgets,
    "timeouts": Timeouts,
}


def _settings(tree: Mapping[str, Any], environ: Mapping[str, str]) -> Settings:
    values: dict[str, Any] = {}
    for name, value in tree.items():
        if name == "implementation":
            values[name] = value and Implementation(**{**value, "contact": tuple(value["contact"])})
        elif name in _SECTIONS:
            section = {key: _frozen(entry) for key, entry in value.items()}
            if name == "ingress" and "headers" in value:
                section["headers"] = tuple((key, secret(entry, environ)) for key, entry in value["headers"].items())
            values[name] = _SECTIONS[name](**section)
        else:
            values[name] = _frozen(value)
    return Settings(**values)


def _frozen(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def _check(settings: Settings) -> None:
    """Combinations that no schema of single keys can refuse."""
    if settings.cluster != "embedded":
        if settings.clock == "virtual":
            raise SubmissionError(f"clock virtual needs cluster embedded, not {settings.cluster}")
        if settings.fault is not None:
            raise SubmissionError(f"fault {settings.fault} needs cluster embedded, not {settings.cluster}")
    elif settings.model == "real":
        raise SubmissionError(
            "model real needs a cluster that runs containers; the embedded platform has only the witness"
        )
    elif settings.gpu == "real":
        raise SubmissionError("gpu real needs cluster kind or existing; the embedded platform can only emulate")
    known = {entry.name for entry in fields(Timeouts)}
    for name in settings.reasons:
        if name not in known:
            raise SubmissionError(f"reasons: unknown setting {name!r}; {nearest(name, known)}")


def _public(value: Any, schema: Mapping[str, Any]) -> Any:
    if schema.get("x-secret"):
        return {name: HIDDEN for name, _ in value}
    if schema.get("x-private"):
        return HIDDEN if value else None
    if isinstance(value, Mapping):
        properties = schema.get("properties", {})
        return {key: _public(entry, properties.get(key, {})) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [_public(entry, {}) for entry in value]
    return value
