"""A scenario made on the spot from a manifest of the user's own and a load: what `conformance try`, `simulate` and the
pytest fixture run. It is run, recorded and judged like those of the catalogue."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from conformance.catalogue.own_manifest import OwnManifest
from conformance.catalogue.scenario import BEYOND, Budget, Scenario, Step
from conformance.kube.serving_runtimes import WITNESS_PLACEHOLDER, ModelFormat
from conformance.load.load_plan import LoadPlan, LoadShape, Phase

MANIFEST: Final = "manifest.yaml"
PAYLOAD: Final = "payload"
DEFAULT_PLAN: Final = LoadPlan((Phase(LoadShape.CLOSED, 30.0, workers=5),))
"""The load of KServe's own autoscaling page: five callers for thirty seconds."""
SETTLE_SECONDS: Final = 5.0
QUIET_SECONDS: Final = 5.0
QUIET_WITHIN_SECONDS: Final = 150.0
"""A stable window of 60 s, the grace of 30 s before zero, and a model that takes its time to go."""
ZERO_WITHIN_SECONDS: Final = 240.0
PREFIX: Final = "own-"
"""Before the service's name, so that no scenario of one's own is taken for one of the catalogue."""


@dataclass(frozen=True, slots=True)
class OwnScenario(Scenario):
    """A scenario whose files lie anywhere."""

    imported: bool = True
    """No requirement was made for it, so that only what it happens to show is judged."""
    own: bool = True
    contents: Mapping[str, bytes] = field(default_factory=dict, repr=False, compare=False)
    """Manifest and payload by name; they are stored with the run, not in the recording's header."""
    formats: tuple[ModelFormat, ...] = ()
    beside: tuple[Mapping[str, object], ...] = ()
    running: str = ""

    def content(self, name: str) -> bytes:
        return self.contents[name]

    def applied(self, witness_image: str) -> bytes:
        return self.contents[self.manifest].replace(WITNESS_PLACEHOLDER.encode(), witness_image.encode())


def deployed(
    manifest: OwnManifest,
    plan: LoadPlan,
    *,
    witness: bool,
    image: bool = True,
    payload: bytes | None = None,
    path: str | None = None,
    service_ms: int = 100,
    start_seconds: float = 6.0,
    rest_seconds: float | None = None,
) -> OwnScenario:
    """A scenario that deploys a manifest and loads it. `witness` puts the witness in the model's place, by the name of
    its image where `image` says so; `service_ms` and `start_seconds` are the witness's. It ends when all has settled,
    or after `rest_seconds`."""
    applied = manifest.with_witness(service_ms, start_seconds, image=image) if witness else manifest
    return OwnScenario(
        name=scenario_name(manifest.name),
        title=f"{manifest.name} under a load of one's own",
        section=BEYOND,
        manifest=MANIFEST,
        steps=_steps(plan, from_zero=manifest.goes_to_zero, rest_seconds=rest_seconds),
        path=path or manifest.path,
        payload=PAYLOAD,
        service_ms=service_ms,
        start_seconds=start_seconds if witness else 0.0,
        budget=Budget(gpus=manifest.accelerators),
        mode=manifest.mode or "Knative",
        contents={MANIFEST: applied.applied(), PAYLOAD: manifest.payload if payload is None else payload},
        formats=manifest.formats() if witness else (),
        beside=manifest.beside,
    )


def running(service: str, plan: LoadPlan, *, path: str, payload: bytes) -> OwnScenario:
    """A scenario that loads a service that is there, NAMESPACE/NAME, and changes nothing of it."""
    name = service.rpartition("/")[2]
    return OwnScenario(
        name=scenario_name(name),
        title=f"{name}, as it runs, under a load of one's own",
        section=BEYOND,
        manifest="",
        steps=_steps(plan),
        path=path,
        payload=PAYLOAD,
        start_seconds=0.0,
        contents={PAYLOAD: payload},
        running=service,
    )


def scenario_name(service: str) -> str:
    """What a service's scenario is called, also where the service's name is none that Kubernetes takes."""
    return f"{PREFIX}{re.sub(r'[^a-z0-9]+', '-', service.lower()).strip('-')}"[:50].rstrip("-")


def _steps(plan: LoadPlan, *, from_zero: bool = False, rest_seconds: float | None = None) -> tuple[Step, ...]:
    """A service that goes to zero is waited for, so that its callers meet the cold start that they would meet."""
    quiet = Step("quiet", seconds=QUIET_SECONDS, within=QUIET_WITHIN_SECONDS)
    return (
        Step("probe", name="first answer"),
        Step("zero", within=ZERO_WITHIN_SECONDS) if from_zero else Step("settle", seconds=SETTLE_SECONDS),
        Step("load", plan=plan),
        quiet if rest_seconds is None else Step("idle", seconds=rest_seconds),
    )
