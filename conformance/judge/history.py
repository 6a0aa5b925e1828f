"""What a recording tells: configuration, pods, wanted counts, arrivals, phases; parsed once, judged many times."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Final, Protocol, TypeVar, cast

import numpy as np

from conformance.judge import arrivals, pod_timeline
from conformance.judge.arrivals import Load
from conformance.judge.pod_timeline import PodTimeline
from conformance.judge.step_function import StepFunction
from conformance.recording.body import PREDICTOR, Body, ChangeType
from conformance.recording.facts import Fact
from conformance.recording.reader import EARLIEST, LATEST, Recording, UnreadableRecordingError
from conformance.recording.recorded_scenario import RecordedInstallation, RecordedScenario
from conformance.recording.run_bodies import INSTALLATION, ConfigBody, Edge, EndBody, PhaseBody
from conformance.recording.service_bodies import ContainerSpec, PodAutoscalerBody, RevisionBody, RouteModeBody
from conformance.recording.shape import JsonObject, WrongShapeError
from conformance.recording.writer import Header

NEVER: Final = math.inf
MOST_PODS: Final = 1e6
AnyBody = TypeVar("AnyBody", bound=Body)


class Source(Protocol):
    """What is known of a recording beside its facts and arrivals."""

    @property
    def header(self) -> Header: ...

    @property
    def folder(self) -> Path: ...


@dataclass(frozen=True, slots=True)
class Span:
    """A phase of the scenario."""

    name: str
    kind: str
    start: float
    end: float
    """Infinite when the recording ends inside it."""
    load: int | None = None


@dataclass(slots=True, eq=False)
class Revision:
    """One revision: its settings and the counts wanted for it."""

    name: str
    component: str
    seen: float
    annotations: dict[str, str] = field(default_factory=dict)
    container_concurrency: int = 0
    containers: tuple[ContainerSpec, ...] = ()
    desired: StepFunction | None = None
    """The PodAutoscaler's count after bounds; NaN while it is not known. None where the platform shows none."""
    modes: list[tuple[float, str]] = field(default_factory=list)
    pods: tuple[PodTimeline, ...] = ()
    total: StepFunction = field(default_factory=lambda: StepFunction.of(()))
    ready: StepFunction = field(default_factory=lambda: StepFunction.of(()))
    became_ready: float = NEVER
    """When its condition Ready was first True; infinite where that was not seen."""
    superseded: float = NEVER
    """When a later revision of the same component had its first ready pod, or was ready without one."""
    left_by: float = NEVER
    """When a later revision was Ready, which may need more pods than one: only then traffic leaves."""

    @property
    def needed_no_pod(self) -> bool:
        """Whether it was ready before it had a pod, as with an initial scale of zero (PodAutoscaler is ready then)."""
        return self.became_ready < min((pod.seen for pod in self.pods), default=NEVER)

    @property
    def takes_over(self) -> float:
        """When it could take traffic: with its first ready pod, or without one; infinite if never."""
        if self.needed_no_pod:
            return self.became_ready
        return min((pod.first_ready for pod in self.pods), default=NEVER)

    @property
    def has_taken_over(self) -> float:
        """When it was Ready, with as many pods as it starts with; with the first where its condition is not seen."""
        return self.takes_over if self.became_ready == NEVER else max(self.takes_over, self.became_ready)


@dataclass(frozen=True, slots=True)
class Counts:
    """What is judged of a revision's pods: how many there are, and how many are wanted."""

    total: StepFunction
    desired: StepFunction | None
    """None where the platform shows none."""
    ready: StepFunction


@dataclass(frozen=True, eq=False)
class History:
    """Everything a judge looks at. Times in seconds from the recording's origin."""

    recording: Source
    facts: tuple[Fact[Body], ...]
    loads: tuple[Load, ...]
    revisions: dict[str, Revision]
    pods: dict[str, PodTimeline]
    spans: tuple[Span, ...]
    scenario: RecordedScenario
    """As it was: the catalogue may have changed since."""
    installation: RecordedInstallation
    outcome: str
    """complete, interrupted, failed, error, or `torn` when the recording breaks off."""
    reason: str
    end: float
    supposed: Mapping[str, Counts] = field(default_factory=dict)
    """Counts by revision that stand for the recorded ones: what a broken platform would have shown."""
    origin: History | None = None
    """The recording's own history where counts are supposed."""

    def counts(self, revision: Revision) -> Counts:
        """What is judged of a revision's pods."""
        return self.supposed.get(revision.name) or Counts(revision.total, revision.desired, revision.ready)

    def supposing(self, counts: Mapping[str, Counts]) -> History:
        """The same recording of a platform that showed these counts. What is derived from a recording, such as its
        bands, is derived from what was recorded."""
        return replace(self, supposed=counts, origin=self.origin or self)

    @property
    def name(self) -> str:
        """The scenario's name."""
        return self.recording.header.scenario

    @property
    def imported(self) -> bool:
        """Whether the recording came from elsewhere, so that only what it happens to hold can be judged."""
        return self.scenario.imported

    def of(self, kind: type[AnyBody]) -> list[Fact[AnyBody]]:
        """Facts of one kind, in order, by the class of their bodies."""
        return cast("list[Fact[AnyBody]]", self._by_kind.get(kind, []))

    @cached_property
    def _by_kind(self) -> Mapping[type[Body], list[Fact[Body]]]:
        kinds: dict[type[Body], list[Fact[Body]]] = {}
        for fact in self.facts:
            kinds.setdefault(type(fact.body), []).append(fact)
        return kinds

    def config(self, source: str) -> JsonObject | None:
        """The first data read from a configuration source; None when it was never read."""
        return next((fact.body.data for fact in self.of(ConfigBody) if fact.body.source == source), None)

    def component(self, name: str) -> list[Revision]:
        """Revisions of a component in order of appearance."""
        return [entry for entry in self.revisions.values() if entry.component == name]

    @property
    def components(self) -> list[str]:
        """Names of the components, the one that takes the traffic first."""
        names = {entry.component for entry in self.revisions.values()}
        return sorted(names, key=lambda name: (name != "transformer", name))

    def wall(self, t: float) -> float:
        """Unix time of a recording time."""
        return self.recording.header.origin_wall + t

    @property
    def ready_at(self) -> float:
        """When the service could take traffic: the end of the deploy phase."""
        return next((span.end for span in self.spans if span.name == "deploy"), 0.0)


def read(recording: Recording) -> History:
    """Parse a recording. Raises UnreadableRecordingError for a bad line or a fact of the wrong shape."""
    facts, loads = tuple(recording.facts()), arrivals.read(recording.loads())
    for load in loads:
        _check_times(load, recording.folder)
    try:
        return build(recording, facts, loads)
    except WrongShapeError as error:
        raise UnreadableRecordingError(f"{recording.folder}: {error}") from error


def _check_times(load: Load, folder: Path) -> None:
    """Raise UnreadableRecordingError for arrivals at times that no recording has; NaN is a time that never came."""
    for name in ("scheduled", "sent", "first_byte", "end"):
        times = load.rows[name]
        bad = ~(np.isnan(times) | ((times >= EARLIEST) & (times <= LATEST)))
        if bad.any():
            raise UnreadableRecordingError(
                f"{folder}: load-{load.index}: {name} {times[bad][0]:g} is no time of a recording"
            )


def build(recording: Source, facts: tuple[Fact[Body], ...], loads: tuple[Load, ...]) -> History:
    """The story behind facts in order of t and loads."""
    pods = pod_timeline.pod_timelines(facts)
    revisions = _revisions(facts, pods)
    closing = next((fact.body for fact in reversed(facts) if isinstance(fact.body, EndBody)), None)
    end = facts[-1].t if facts else 0.0
    return History(
        recording=recording,
        facts=facts,
        loads=loads,
        revisions=revisions,
        pods=pods,
        spans=_spans(facts),
        scenario=RecordedScenario.parse(recording.header.scenario_spec),
        installation=_installation(facts),
        outcome=closing.outcome.value if closing else "torn",
        reason=closing.reason if closing else "the recording breaks off",
        end=end,
    )


def _installation(facts: Iterable[Fact[Body]]) -> RecordedInstallation:
    read = (fact.body.data for fact in facts if isinstance(fact.body, ConfigBody) and fact.body.source == INSTALLATION)
    return RecordedInstallation.parse(next(read, {}))


def _revisions(facts: Iterable[Fact[Body]], pods: Mapping[str, PodTimeline]) -> dict[str, Revision]:
    found: dict[str, Revision] = {}
    wanted: dict[str, list[tuple[float, float]]] = {}

    def known(name: str, component: str, t: float) -> Revision:
        if name not in found:
            found[name] = Revision(name, component or PREDICTOR, t)
        return found[name]

    for fact in facts:
        body, t = fact.body, fact.t
        match body:
            case RevisionBody() if body.change is not ChangeType.DELETED:
                revision = known(body.name, body.component, t)
                revision.annotations = dict(body.annotations or revision.annotations)
                revision.container_concurrency = body.container_concurrency or 0
                revision.containers = body.containers
                if body.ready.status == "True":
                    revision.became_ready = min(revision.became_ready, t)
            case PodAutoscalerBody() if body.change is not ChangeType.DELETED:
                revision = known(body.revision or body.name, body.component, t)
                revision.annotations = dict(body.annotations) or revision.annotations
                count = math.nan if body.desired is None or body.desired < 0 else float(body.desired)
                wanted.setdefault(revision.name, []).append((t, count))
            case RouteModeBody() if body.change is not ChangeType.DELETED:
                known(body.revision or body.name, PREDICTOR, t).modes.append((t, body.mode))
    for pod in pods.values():
        known(pod.revision, pod.component, pod.seen)
    for revision in found.values():
        mine = tuple(pod for pod in pods.values() if pod.revision == revision.name)
        revision.pods = mine
        revision.total = pod_timeline.total(mine)
        revision.ready = pod_timeline.ready(mine)
        if revision.name in wanted:
            revision.desired = _wanted(revision.name, wanted[revision.name])
    _supersede(found)
    return found


def _wanted(name: str, points: list[tuple[float, float]]) -> StepFunction:
    times = np.array([time for time, _ in points])
    values = np.array([value for _, value in points])
    if np.nanmax(np.abs(values), initial=0.0) > MOST_PODS:
        raise UnreadableRecordingError(f"{name}: {np.nanmax(values):g} pods wanted, more than any cluster has")
    return StepFunction(times, values, math.nan)


def _supersede(revisions: Mapping[str, Revision]) -> None:
    ordered = list(revisions.values())
    for position, revision in enumerate(ordered):
        later = [other for other in ordered[position + 1 :] if other.component == revision.component]
        revision.superseded = min((other.takes_over for other in later), default=NEVER)
        revision.left_by = min((other.has_taken_over for other in later), default=NEVER)


def _spans(facts: Iterable[Fact[Body]]) -> tuple[Span, ...]:
    found: list[Span] = []
    open_: dict[tuple[str, int | None], tuple[float, PhaseBody]] = {}
    for fact in facts:
        body = fact.body
        if not isinstance(body, PhaseBody):
            continue
        key = (body.name, body.step)
        if body.edge is Edge.BEGIN:
            open_[key] = (fact.t, body)
        elif key in open_:
            found.append(_span(*open_.pop(key), fact.t))
    found += [_span(start, body, NEVER) for start, body in open_.values()]
    return tuple(sorted(found, key=lambda span: span.start))


def _span(start: float, begin: PhaseBody, end: float) -> Span:
    return Span(begin.name, begin.kind or begin.name, start, end, begin.load)
