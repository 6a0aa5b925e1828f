"""Document drift as the report states it; the finding itself is the judge's."""

from __future__ import annotations

from conformance.judge.judged_run import JudgedRun


def document_drift(judged: JudgedRun) -> list[dict[str, str]]:
    """The report's `documentDrift` entries, by scenario."""
    found = []
    for entry in judged.drifts:
        body = {
            "example": entry.scenario,
            "passage": entry.digest,
            "claimed": entry.claimed,
            "modelled": entry.modelled,
            "note": entry.note or entry.passage,
        }
        found.append({name: text for name, text in body.items() if text})
    return found
