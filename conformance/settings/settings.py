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

from conformance.base import plugins
from conformance.base.errors import UsageError, nearest
from conformance.recording.run_record import Deviation, Implementation
from conformance.settings.secret import HIDDEN, Secret
from conformance.settings.sources import SCHEMA, leaf, merged, secret

NAMESPACE_PREFIX: Final = "cf"
DEFAULT_FILE: Final = Path("conformance.yaml")
NO_REASON: Final = "the submitter gave no reason"


@dataclass(frozen=True, slots=True)
class Kubernetes:
    """The API server of an existing cluster, and names inside every cluster."""

    kubeconfig: str | None = None
    context: str | None = None
    namespace_prefix: str = NAMESPACE_PREFIX
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
    node_image: str | None = None
    keep: str = "on-failure"
    manifests: str | None = None
    lock: str = "conformance.lock.yaml"
    digests: str = "record"
    models: str | None = None
    images: str | None = None


@dataclass(frozen=True, slots=True)
class Embedded:
    """Real programs as parts of the embedded platform."""

    ingress: str = "own"
    model_server: str = "witness"
    max_pods: int | None = None
    envoy_program: str | None = None
    kserve_python: str | None = None


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
class PrometheusSettings:
    """Where the autoscaler's own figures are; with neither, a cluster of the suite's own is searched."""

    url: str | None = None
    service: str | None = None


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
PROCESS_BUDGETS: Final = Budgets(load_rps=300.0, pods=30, scenarios=3)
"""Where each pod is a process, whose start takes a core for seconds."""


@dataclass(frozen=True, slots=True)
class Shards:
    """Pods that send the requests with load: in-cluster."""

    count: int = 2
    image: str | None = None
    namespace: str = "default"
    address: str | None = None
    cpu: str = "1"
    memory: str = "512Mi"
    lead_seconds: float = 60.0
    node_selector: Mapping[str, str] = field(default_factory=dict)
    service_account: str | None = None


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Seconds. Not at their default they are deviations."""

    readiness_timeout_seconds: float = 120.0
    deletion_timeout_seconds: float = 20.0
    install_timeout_seconds: float = 600.0


@dataclass(frozen=True, slots=True)
class Settings:
    """All settings of one run."""

    cluster: str = "embedded"
    gpu: str | None = None
    profiles: tuple[str, ...] = ()
    only: tuple[str, ...] = ()
    skip: tuple[str, ...] = ()
    scenarios: str | None = None
    fail_fast: bool = False
    keep_namespaces: str = "never"
    fault: str | None = None
    clock: str = "real"
    load: str = "local"
    seed: int = 0
    model: str = "witness"
    reports: str = "reports/runs"
    kubernetes: Kubernetes = Kubernetes()
    ingress: IngressSettings = IngressSettings()
    placement: Placement = Placement()
    accelerator: Accelerator = Accelerator()
    install: Install = Install()
    embedded: Embedded = Embedded()
    shards: Shards = Shards()
    declared: Declared = Declared()
    prometheus: PrometheusSettings = PrometheusSettings()
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
    Raises UsageError with the name, the value and what is known."""
    if path is None and DEFAULT_FILE.is_file():
        path = DEFAULT_FILE
    settings = _settings(merged(path, environ or {}, flags or {}), environ or {})
    _check(settings)
    return replace(settings, budgets=usual_budgets(settings)) if settings.budgets == Budgets() else settings


def usual_budgets(settings: Settings) -> Budgets:
    """What runs side by side on the settings' cluster where nothing else is said."""
    if settings.cluster != "embedded":
        return Budgets()
    return PROCESS_BUDGETS if settings.embedded.model_server == "kserve" else EMBEDDED_BUDGETS


_SECTIONS: Final[Mapping[str, type[Any]]] = {
    "kubernetes": Kubernetes,
    "ingress": IngressSettings,
    "placement": Placement,
    "accelerator": Accelerator,
    "install": Install,
    "embedded": Embedded,
    "shards": Shards,
    "declared": Declared,
    "prometheus": PrometheusSettings,
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
    """What no schema of single keys can refuse."""
    known = plugins.names(plugins.PROVIDERS)
    if settings.cluster not in known:
        hint = nearest(settings.cluster, known) if known else plugins.STALE
        raise UsageError(f"setting cluster {settings.cluster!r}; {hint}")
    if settings.embedded != Embedded() and (settings.cluster, settings.clock) != ("embedded", "real"):
        raise UsageError("embedded: these settings need cluster embedded and clock real; leave them out")
    if settings.cluster != "embedded":
        if settings.clock == "virtual":
            raise UsageError(f"clock virtual needs cluster embedded, not {settings.cluster}")
        if settings.fault is not None:
            raise UsageError(f"fault {settings.fault} needs cluster embedded, not {settings.cluster}")
    elif settings.model == "real":
        raise UsageError("model real needs a cluster that runs containers; the embedded platform has only the witness")
    elif settings.gpu == "real":
        raise UsageError("gpu real needs cluster kind or existing; the embedded platform can only emulate")
    _check_load(settings)
    timeouts = {entry.name for entry in fields(Timeouts)}
    for name in settings.reasons:
        if name not in timeouts:
            raise UsageError(f"reasons: unknown setting {name!r}; {nearest(name, timeouts)}")


def _check_load(settings: Settings) -> None:
    if settings.load == "local":
        if settings.shards != Shards():
            raise UsageError("shards are pods of load in-cluster; set load to in-cluster, or leave shards out")
        return
    if settings.cluster == "embedded":
        raise UsageError("load in-cluster needs a cluster that runs containers; the embedded platform runs none")
    for name in ("image", "address"):
        if getattr(settings.shards, name) is None:
            wanted = str(leaf(f"shards.{name}")["description"]).removesuffix(" Required.")
            raise UsageError(f"load in-cluster needs shards.{name}: {wanted}")


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
