"""A scenario: one manifest, what happens to it, what the page claims; data in `conformance/catalogue/scenarios/*.yaml`.

A scenario is run and recorded once; many requirements judge its recording.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import cache
from pathlib import Path
from typing import Any, Final

import yaml

from conformance.base.errors import UsageError, nearest
from conformance.load.load_plan import Plan

FOLDER: Final = Path(__file__).parent / "scenarios"


STEPS: Final = ("settle", "load", "idle", "patch", "zero", "quiet", "refuse", "probe")


@dataclass(frozen=True, slots=True)
class Step:
    """One stretch of a scenario's life after its InferenceService is ready (`refuse` replaces deploying).

    settle  wait `seconds`
    load    offer `plan` (to the component behind status.url) and wait for its end; with `background` go on at once
    idle    offer nothing for `seconds`
    patch   apply `manifest`, or merge `patch` into the InferenceService; then go on at once
    zero    wait until no pod is left, at most `within` seconds
    quiet   wait until pods are at the minimum and panic is over, held so for `seconds`; at most `within`
    refuse  apply the manifest and expect the API server or the status to refuse it, at most `within` seconds
    probe   one request through the ingress to `path`, recorded as a probe fact
    """

    kind: str
    name: str = ""
    seconds: float = 0.0
    within: float = 0.0
    plan: Plan | None = None
    background: bool = False
    path: str = ""
    manifest: str = ""
    patch: Mapping[str, Any] | None = None
    service_ms: int | None = None
    """Overrides the model's service time for the requests of this load (header `x-service-ms`)."""


@dataclass(frozen=True, slots=True)
class Budget:
    """What a scenario takes from the machine while it runs; the scheduler of scenarios adds these up."""

    pods: int = 1
    gpus: int = 0
    load: float = 0.0
    """Share of the load budget: requests per second at the most."""


@dataclass(frozen=True, slots=True)
class Claim:
    """What the documentation page says will happen, word for word in substance, to be compared with the model."""

    passage: str
    """The page's statement in our words, with its section."""
    text: str
    """Claimed, e.g. `5 pods`."""
    pods: int | None = None
    component: str = "predictor"
    modelled: str = ""
    """What holds instead, for a claim that is no pod count."""


@dataclass(frozen=True, slots=True)
class Scenario:
    """Everything needed to run and record one."""

    name: str
    title: str
    section: str
    """Section of the documentation page, or `beyond the page`."""
    manifest: str
    """Path below fixtures/, applied byte for byte."""
    steps: tuple[Step, ...]
    documented: bool = False
    path: str = "/v1/models/flowers-sample:predict"
    payload: str = "payloads/input.json"
    service_ms: int = 100
    """Service time of the witness in place of the model."""
    start_seconds: float = 6.0
    """How long the witness takes from process start to listening."""
    budget: Budget = Budget()
    mode: str = "Knative"
    needs: tuple[str, ...] = ()
    """Features of the cluster without which it cannot run: gpu, hpa, transformer."""
    claims: tuple[Claim, ...] = ()
    profiles: tuple[str, ...] = ("autoscaling-kpa",)

    @property
    def seconds(self) -> float:
        """Predicted length from apply to teardown: start-up, then every step at its usual length."""
        return self.start_seconds + 3.0 + sum(_length(step) for step in self.steps)


def _length(step: Step) -> float:
    if step.kind == "load" and step.plan and not step.background:
        return step.plan.seconds
    if step.kind in ("zero", "quiet"):
        return step.seconds + step.within * 0.8
    return step.seconds


@cache
def scenarios(folder: Path = FOLDER) -> Mapping[str, Scenario]:
    """All scenarios by name. Raises UsageError for a malformed file."""
    found: dict[str, Scenario] = {}
    for path in sorted(folder.glob("*.yaml")):
        for entry in yaml.safe_load(path.read_text(encoding="utf-8")) or ():
            scenario = parse(entry, path.name)
            if scenario.name in found:
                raise UsageError(f"{path.name}: scenario {scenario.name!r} is there twice")
            found[scenario.name] = scenario
    return found


def parse(entry: Mapping[str, Any], where: str) -> Scenario:
    """Read one scenario from plain data; unknown keys are refused."""
    values = _known(entry, Scenario, where)
    values["steps"] = tuple(_step(step, where) for step in values.get("steps", ()))
    values["budget"] = Budget(**_known(values.get("budget", {}), Budget, where))
    values["claims"] = tuple(Claim(**_known(claim, Claim, where)) for claim in values.get("claims", ()))
    for name in ("needs", "profiles"):
        if name in values:
            values[name] = tuple(values[name])
    try:
        return Scenario(**values)
    except TypeError as error:
        raise UsageError(f"{where}: {entry.get('name')}: {error}") from error


def _step(entry: Mapping[str, Any], where: str) -> Step:
    values = _known(entry, Step, where)
    if values.get("kind") not in STEPS:
        raise UsageError(f"{where}: step {values.get('kind')!r}; {nearest(str(values.get('kind')), STEPS)}")
    if values.get("plan") is not None:
        values["plan"] = Plan.from_body(values["plan"])
    return Step(**values)


def _known(entry: Mapping[str, Any], cls: type[Any], where: str) -> dict[str, Any]:
    names = {field.name for field in fields(cls)}
    for key in entry:
        if key not in names:
            raise UsageError(f"{where}: unknown key {key!r}; {nearest(key, names)}")
    return dict(entry)
