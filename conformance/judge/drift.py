"""Where the documentation page and the model disagree, and where a cluster's admission made something else of a
manifest: findings about the page or the cluster's rules, never verdicts on the platform."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Final

from conformance.judge.band import band
from conformance.judge.expectations import applied_manifests, filled_in
from conformance.judge.history import History
from conformance.recording.body import PREDICTOR
from conformance.recording.json_values import child, has_child
from conformance.recording.recorded_scenario import RecordedClaim

COMPONENTS: Final = ("predictor", "transformer", "explainer")
FIELDS: Final = ("minReplicas", "maxReplicas", "scaleTarget", "scaleMetric", "containerConcurrency")


@dataclass(frozen=True, slots=True)
class Drift:
    """One claim that the documented algorithm does not bear out."""

    scenario: str
    passage: str
    claimed: str
    modelled: str
    note: str = ""

    @property
    def digest(self) -> str:
        """sha256 of the passage."""
        return "sha256:" + hashlib.sha256(self.passage.encode()).hexdigest()


def of(history: History) -> tuple[Drift, ...]:
    """The drifts of one recording: claims of a pod count against the model for the delivered load, and claims that
    rest on something else against the fact that contradicts them (`modelled` in the scenario)."""
    found = []
    for claim in history.scenario.claims:
        if claim.pods is None:
            if claim.modelled:
                found.append(_drift(history, claim, claim.modelled))
            continue
        low, high, why = modelled(history, claim.component or PREDICTOR)
        if high > 0 and not low <= claim.pods <= high:
            found.append(_drift(history, claim, f"{_range(low, high)} pods ({why})"))
    return tuple(found + _admission(history))


def _admission(history: History) -> list[Drift]:
    """Scale fields that the cluster filled in or changed when it admitted the manifest, once each."""
    found: dict[tuple[str, str], Drift] = {}
    for manifest in applied_manifests(history):
        for component in COMPONENTS:
            if not has_child(manifest.written, "spec", component) or manifest.written.get("kind") == "Service":
                continue
            sent = child(manifest.written, "spec", component)
            changed = filled_in(manifest, component)
            if has_child(manifest.admitted, "spec", component):
                became = child(manifest.admitted, "spec", component)
                changed |= {
                    name: became.get(name) for name in FIELDS if name in sent and became.get(name) != sent[name]
                }
            for name, value in changed.items():
                passage = f"the manifest's {component}.{name}"
                claimed = f"{name} {sent[name]}" if name in sent else f"no {name}"
                text = f"{name} {'taken out' if value is None else value}, by the cluster's admission"
                found.setdefault((component, name), Drift(history.name, passage, claimed, text))
    return list(found.values())


def modelled(history: History, component: str) -> tuple[float, float, str]:
    """(least, greatest, why) of the peak pod count for the delivered load."""
    best = (0.0, 0.0, "no load")
    for revision in history.component(component):
        if revision.pods:
            limits = band(history, revision)
            low, high = float(limits.low.max()), float(limits.high.max())
            if high > best[1]:
                settings = limits.parameters
                why = f"{settings.metric} target {settings.target_value:g} per pod"
                if settings.total_value > 0:
                    why += f", utilization {settings.target_value / settings.total_value:.0%}"
                best = (low, high, why)
    return best


def _drift(history: History, claim: RecordedClaim, text: str) -> Drift:
    return Drift(history.name, claim.passage, claim.text, text)


def _range(low: float, high: float) -> str:
    return f"{low:g}" if low == high else f"{low:g} to {high:g}"
