"""A fact: something that was seen at a moment, in one JSON line of `facts.jsonl`.

`t` counts monotonic seconds from the recording's origin, `wall` is Unix time; both to the microsecond so that the same
run in virtual time gives the same bytes. The shapes of the bodies stand in docs/recording.md.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

from conformance.recording import pod_bodies, run_bodies, service_bodies
from conformance.recording.body import Body
from conformance.recording.fact_kind import FactKind
from conformance.recording.shape import JsonObject, WrongShapeError

__all__ = ["BODIES", "RECORDING_VERSION", "Fact", "FactKind", "body_of"]

RECORDING_VERSION: Final = 1

BODIES: Final[Mapping[FactKind, type[Body]]] = {
    shape.KIND: shape
    for shape in (
        run_bodies.PhaseBody,
        pod_bodies.PodBody,
        service_bodies.PodAutoscalerBody,
        service_bodies.DeploymentBody,
        service_bodies.RevisionBody,
        service_bodies.ServiceBody,
        service_bodies.InferenceServiceBody,
        service_bodies.RouteModeBody,
        service_bodies.AutoscalerResourceBody,
        pod_bodies.NodeBody,
        pod_bodies.NodeUsageBody,
        pod_bodies.UsageBody,
        pod_bodies.PlatformPodBody,
        pod_bodies.EventBody,
        run_bodies.ConfigBody,
        run_bodies.ManifestBody,
        run_bodies.MetricBody,
        run_bodies.WitnessBody,
        run_bodies.ProbeBody,
        run_bodies.GapBody,
        run_bodies.ClockBody,
        run_bodies.HarnessBody,
        run_bodies.NoteBody,
        run_bodies.EndBody,
    )
}
"""The shape of each kind's body."""

AnyBody = TypeVar("AnyBody", bound=Body, covariant=True)


def body_of(kind: FactKind, value: JsonObject) -> Body:
    """A body from plain JSON. Raises WrongShapeError."""
    return BODIES[kind].parse(value)


@dataclass(frozen=True, slots=True)
class Fact(Generic[AnyBody]):
    """One line of `facts.jsonl`."""

    t: float
    wall: float
    body: AnyBody

    @classmethod
    def of(cls, t: float, wall: float, kind: FactKind, body: JsonObject) -> Fact[Body]:
        """A fact from plain JSON. Raises WrongShapeError."""
        return Fact(t, wall, body_of(kind, body))

    @property
    def kind(self) -> FactKind:
        """What the fact tells."""
        return self.body.KIND

    def line(self) -> bytes:
        """Canonical JSON with a newline: the same fact always gives the same bytes."""
        return line_of(self.t, self.wall, self.kind, self.body.plain())

    @classmethod
    def parse(cls, line: bytes | str) -> Fact[Body]:
        """Read one line; raises ValueError when it is not a fact, with the place in it."""
        value = json.loads(line)
        if not isinstance(value, dict) or not isinstance(value.get("body"), dict):
            raise ValueError("a fact is an object with t, wall, kind and body")
        try:
            t, wall, kind = float(value["t"]), float(value["wall"]), FactKind(value["kind"])
        except (KeyError, OverflowError, TypeError) as error:
            raise ValueError(f"not a fact: {error}") from error
        try:
            return Fact.of(t, wall, kind, value["body"])
        except WrongShapeError as error:
            raise ValueError(f"{kind}: {error}") from None


def line_of(t: float, wall: float, kind: FactKind, body: JsonObject) -> bytes:
    """The line of a fact whose body is plain JSON already."""
    value = {"t": round(t, 6), "wall": round(wall, 6), "kind": kind.value, "body": body}
    return json.dumps(value, separators=(",", ":"), sort_keys=True, ensure_ascii=False).encode() + b"\n"
