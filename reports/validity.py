"""Whether the run could decide anything: the judge's checks of all recordings, the worst of each code."""

from __future__ import annotations

from functools import lru_cache

from conformance.judge import validity as judge
from conformance.judge.judgement import Reason
from reports.material import Material


@lru_cache(maxsize=1)
def validity(material: Material) -> list[Reason]:
    """One check per code, by code, over all recordings; where nothing was recorded there is one that says so."""
    worst: dict[str, Reason] = {}
    for _, history in sorted(material.histories.items()):
        for reason in judge.of(history):
            before = worst.get(reason.code)
            if before is None or _badness(reason) > _badness(before):
                worst[reason.code] = reason
    for _, text in sorted(material.unreadable.items()):
        worst["RECORDING_UNREADABLE"] = Reason("RECORDING_UNREADABLE", text, "readable", False, "run again")
    if not worst:
        return [Reason("NOTHING_RECORDED", 0, ">= 1", False, "see the run's scenarios for why nothing was recorded")]
    return [worst[code] for code in sorted(worst)]


def _badness(reason: Reason) -> tuple[bool, float]:
    value = reason.value if isinstance(reason.value, (int, float)) else 0.0
    return not reason.ok, -value if str(reason.limit).startswith(">") else value
