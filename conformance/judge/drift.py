"""Where the documentation page and the model disagree, and where a cluster's admission made something else of a
manifest: findings about the page or the cluster's rules, never verdicts on the platform."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Final

from conformance.judge.band import band
from conformance.judge.expectations import filled_in, objects
from conformance.judge.history import History

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
    for claim in history.scenario.get("claims", ()):
        pods = claim.get("pods")
        if pods is None:
            if claim.get("modelled"):
                found.append(_drift(history, claim, str(claim["modelled"])))
            continue
        low, high, why = modelled(history, str(claim.get("component") or "predictor"))
        if high > 0 and not low <= pods <= high:
            found.append(_drift(history, claim, f"{_range(low, high)} pods ({why})"))
    return tuple(found + _admission(history))


def _admission(history: History) -> list[Drift]:
    """Scale fields that the cluster filled in or changed when it admitted the manifest, once each."""
    found: dict[tuple[str, str], Drift] = {}
    for _, written, admitted in objects(history):
        for component in COMPONENTS:
            asked = written.get("spec", {}).get(component)
            if not isinstance(asked, dict) or written.get("kind") == "Service":
                continue
            got = admitted.get("spec", {}).get(component)
            changed = filled_in(written, admitted, component)
            if isinstance(got, dict):
                changed |= {name: got.get(name) for name in FIELDS if name in asked and got.get(name) != asked[name]}
            for name, value in changed.items():
                passage = f"the manifest's {component}.{name}"
                claimed = f"{name} {asked[name]}" if name in asked else f"no {name}"
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


def _drift(history: History, claim: dict[str, object], text: str) -> Drift:
    return Drift(history.name, str(claim.get("passage", "")), str(claim.get("text", "")), text)


def _range(low: float, high: float) -> str:
    return f"{low:g}" if low == high else f"{low:g} to {high:g}"
