"""Where the documentation page and the documented algorithm disagree: a finding about the page, never about a platform."""

from __future__ import annotations

from typing import Any

from reports.canonical import digest
from reports.material import Material


def drift(material: Material) -> list[dict[str, Any]]:
    """The report's `documentDrift` entries, by scenario."""
    found = []
    for name, history in sorted(material.histories.items()):
        for claim in history.scenario.get("claims") or ():
            modelled = _modelled(material, name)
            if claim.get("pods") is None or modelled is None or modelled[0] <= claim["pods"] <= modelled[1]:
                continue
            low, high = modelled
            pods = f"{low:g} pods" if low == high else f"{low:g} to {high:g} pods"
            found.append(
                {
                    "example": name,
                    "passage": digest(str(claim.get("passage", "")).encode()),
                    "claimed": str(claim.get("text", "")),
                    "modelled": f"{pods} for the load that was really delivered",
                    "note": str(claim.get("passage", "")),
                }
            )
    return found


def _modelled(material: Material, scenario: str) -> tuple[float, float] | None:
    """The count of pods the algorithm gives at the peak, from the judgement that computed it."""
    for entry in material.requirements:
        judgement = material.judgements[entry.id]
        expected = judgement.expected
        if judgement.scenario != scenario or expected is None or expected.source != "modelled":
            continue
        if expected.unit == "pods" and expected.low is not None and expected.high is not None:
            return expected.low, expected.high
    return None
