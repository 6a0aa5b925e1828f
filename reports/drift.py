"""Document drift as the report states it; the finding itself is the judge's."""

from __future__ import annotations

from typing import Any

from reports.material import Material
from reports.trace import traces


def drift(material: Material) -> list[dict[str, Any]]:
    """The report's `documentDrift` entries, by scenario."""
    found = []
    for trace in traces(material).values():
        for entry in trace.drifts:
            body = {
                "example": entry.scenario,
                "passage": entry.digest,
                "claimed": entry.claimed,
                "modelled": entry.modelled,
                "note": entry.note or entry.passage,
            }
            found.append({name: text for name, text in body.items() if text})
    return found
