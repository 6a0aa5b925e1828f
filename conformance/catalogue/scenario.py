"""A scenario: one manifest, what happens to it, what the page claims; data in `conformance/catalogue/scenarios/*.yaml`.

A scenario is run and recorded once; many requirements judge its recording.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Annotated, Final

from conformance.base.locations import FIXTURES
from conformance.catalogue.entries import EntryReader, Named, OneOf, entries
from conformance.kube.serving_runtimes import DOCUMENTED, ModelFormat
from conformance.load import schedule
from conformance.load.load_errors import InvalidLoadError
from conformance.load.load_plan import LoadPlan

FOLDER: Final = Path(__file__).parent / "scenarios"

BEYOND: Final = "beyond the page"
SECTIONS: Final = (
    "Introduction, scaleMetric",
    "Scaling on target concurrency",
    "Stable and panic windows",
    "Scaling on target QPS",
    "Autoscaling with GPU",
    "Autoscaling customization, containerConcurrency",
    "Autoscaling customization, soft limit",
    "Scale down to zero",
    "Autoscaling on component level",
    BEYOND,
)
"""Sections of the documentation page in its order, and what is documented elsewhere."""

MODES: Final = ("Knative", "Standard")

STEPS: Final[Mapping[str, tuple[str, ...]]] = {
    "settle": ("seconds",),
    "load": ("plan", "background", "path", "service_ms", "cpu_ms", "hold_mb"),
    "idle": ("seconds",),
    "patch": ("manifest", "patch"),
    "zero": ("within", "seconds"),
    "quiet": ("within", "seconds"),
    "refuse": ("manifest", "within"),
    "probe": ("path",),
    "renew": ("seconds",),
    "metrics-away": ("seconds",),
}
"""Kinds of steps, and the fields that each acts on."""

FILES: Final = ("examples", "probes", "payloads")
"""Folders of fixtures/ that scenarios name files of."""
FileName = Annotated[str, Named("file")]
"""Path below fixtures/."""

NEEDED: Final[Mapping[str, str]] = {"load": "plan", "zero": "within", "quiet": "within"}
"""Fields that a kind of step cannot do without."""


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
    renew   delete the youngest pod again and again for `seconds`, so that one pod is always too young to be measured
    metrics-away  take the metrics API away from the whole cluster for `seconds`; only on a cluster of the suite's own
    """

    kind: Annotated[str, OneOf(tuple(STEPS))]
    name: str = ""
    """What requirements and messages call it; its kind without one."""
    seconds: float = 0.0
    within: float = 0.0
    plan: LoadPlan | None = None
    background: bool = False
    path: str = ""
    manifest: FileName = ""
    patch: Mapping[str, object] | None = None
    service_ms: int | None = None
    """Overrides the model's service time for the requests of this load (header `x-service-ms`)."""
    cpu_ms: int | None = None
    """Processor time that each request of this load burns in the model (header `x-cpu-ms`)."""
    hold_mb: int | None = None
    """Memory that each request of this load holds in the model while it is served (header `x-hold-mb`)."""


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
    component: Annotated[str, OneOf(("predictor", "transformer"))] = "predictor"
    modelled: str = ""
    """What holds instead, for a claim that is no pod count."""


@dataclass(frozen=True, slots=True)
class Scenario:
    """Everything needed to run and record one."""

    name: str
    title: str
    section: Annotated[str, OneOf(SECTIONS)]
    """Section of the documentation page, or `beyond the page`."""
    manifest: FileName
    """Applied byte for byte."""
    steps: tuple[Step, ...]
    documented: bool = False
    path: str = "/v1/models/flowers-sample:predict"
    payload: FileName = "payloads/input.json"
    service_ms: int = 100
    """Service time of the witness in place of the model."""
    tight: bool = False
    """Right and wrong counts lie close together: the way to the model is measured while settling, and where the service
    time is not long beside it the loads ask for a longer one."""
    start_seconds: float = 6.0
    """How long the witness takes from process start to listening."""
    budget: Budget = Budget()
    mode: Annotated[str, OneOf(MODES)] = "Knative"
    """Deployment mode that the manifest asks for."""
    claims: tuple[Claim, ...] = ()

    def content(self, name: str) -> bytes:
        """Bytes of a manifest or a payload that it names."""
        return (FIXTURES / name).read_bytes()

    def applied(self, witness_image: str) -> bytes:
        """The manifest as it is applied, on a cluster where the witness has this name."""
        del witness_image
        return self.content(self.manifest)

    @property
    def formats(self) -> tuple[ModelFormat, ...]:
        """Model formats that the witness serves."""
        return DOCUMENTED

    @property
    def beside(self) -> tuple[Mapping[str, object], ...]:
        """Objects that are made in the namespace before the manifest is applied."""
        return ()

    @property
    def own(self) -> bool:
        """Whether it is of a service of somebody's own, whose first answer says whether path and payload are right."""
        return False

    @property
    def running(self) -> str:
        """NAMESPACE/NAME of the service where it runs already, and is left as it is; empty for one to be deployed."""
        return ""

    @property
    def alone(self) -> bool:
        """Whether it takes something away from the whole cluster: nothing runs beside it, on a cluster of the suite's
        own."""
        return any(step.kind == "metrics-away" for step in self.steps)

    @property
    def seconds(self) -> float:
        """Predicted length from apply to the last step's end: start-up, then every step at its usual length."""
        return self.start_seconds + 3.0 + sum(_length(step) for step in self.steps)

    @property
    def step_names(self) -> frozenset[str]:
        """What the steps are called in the recording."""
        return frozenset(step.name or step.kind for step in self.steps)


def _length(step: Step) -> float:
    if step.kind == "load" and step.plan and not step.background:
        return step.plan.seconds
    if step.kind in ("zero", "quiet"):
        return step.seconds + step.within * 0.8
    return step.seconds


@cache
def scenarios(folder: Path = FOLDER) -> Mapping[str, Scenario]:
    """All scenarios by name. Raises UsageError for a malformed file."""
    found = (parse(entry.values, entry.where, entry.lines) for entry in entries(folder, "name"))
    return {scenario.name: scenario for scenario in found}


def parse(values: Mapping[str, object], where: str, lines: Callable[[], Mapping[str, int]] = dict) -> Scenario:
    """Read one scenario from plain data; `lines` as those of an `Entry`. Raises UsageError for whatever is unknown, or
    acts on nothing."""
    reader = EntryReader(where, {"file": _files()}, lines)
    scenario = reader.read(Scenario, values)
    for number, step in enumerate(scenario.steps):
        _check_step(reader, step, f"steps[{number}]")
    return scenario


class AnyFile(frozenset[str]):
    """Names of files where nobody needs them any more."""

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str)


def parse_own(folder: Path, files: frozenset[str]) -> Mapping[str, Scenario]:
    """Scenarios of one's own by name, by the same rules, with these files; title, section and path have defaults.
    Raises UsageError that names the line."""
    found = {}
    for entry in entries(folder, "name", f"{folder.name}/"):
        usual = {"title": entry.values["name"], "section": BEYOND, "path": ""}
        reader = EntryReader(entry.where, {"file": files}, entry.lines)
        scenario = reader.read(Scenario, {**usual, **entry.values})
        for number, step in enumerate(scenario.steps):
            _check_step(reader, step, f"steps[{number}]")
        found[scenario.name] = scenario
    return found


@cache
def _files() -> frozenset[str]:
    found = (path for folder in FILES for path in (FIXTURES / folder).iterdir())
    return frozenset(path.relative_to(FIXTURES).as_posix() for path in found)


def _check_step(reader: EntryReader, step: Step, path: str) -> None:
    """Raise UsageError for a step with fields that its kind does not act on, or without one that it needs."""
    usual = Step(step.kind)
    acts = ("kind", "name", *STEPS[step.kind])
    for name in Step.__slots__:
        if name not in acts and getattr(step, name) != getattr(usual, name):
            raise reader.wrong(path, f"a step of kind {step.kind!r} does not act on {name!r}; it has {', '.join(acts)}")
    for name in ("seconds", "within", "service_ms", "cpu_ms", "hold_mb"):
        if (getattr(step, name) or 0) < 0:
            raise reader.wrong(path, f"{name} is {getattr(step, name):g}; it has to be 0 or more", key=name)
    if (needed := NEEDED.get(step.kind)) and not getattr(step, needed):
        raise reader.wrong(path, f"a step of kind {step.kind!r} needs {needed!r}")
    if step.plan is not None:
        try:
            schedule.validate(step.plan)
        except InvalidLoadError as error:
            raise reader.wrong(f"{path}.plan", str(error)) from None
