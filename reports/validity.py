"""Whether the run could decide anything: the checks of all recordings, the worst of each code."""

from __future__ import annotations

from collections.abc import Iterable

from conformance.judge.history import History
from conformance.judge.judgement import Reason
from conformance.recording.facts import Kind
from reports.material import Material


def validity(material: Material) -> list[Reason]:
    """One check per code, by code, over all recordings; where nothing was recorded there is one that says so."""
    worst: dict[str, Reason] = {}
    for _, history in sorted(material.histories.items()):
        for reason in checks(history):
            before = worst.get(reason.code)
            if before is None or _badness(reason) > _badness(before):
                worst[reason.code] = reason
    for _, text in sorted(material.unreadable.items()):
        worst["RECORDING_UNREADABLE"] = Reason("RECORDING_UNREADABLE", text, "readable", False, "run again")
    if not worst:
        return [Reason("NOTHING_RECORDED", 0, ">= 1", False, "see the run's scenarios for why nothing was recorded")]
    return [worst[code] for code in sorted(worst)]


def checks(history: History) -> Iterable[Reason]:
    """The checks of one recording."""
    gaps = [float(fact.body.get("to", 0)) - float(fact.body.get("from", 0)) for fact in history.of(Kind.GAP)]
    longest = round(max(gaps, default=0.0), 3)
    yield Reason("OBSERVER_GAP_SECONDS", longest, "<= 1.0", longest <= 1.0)
    due = sum(len(load.rows) for load in history.loads)
    dropped = sum(int((load.rows["error"] == 6).sum()) for load in history.loads)
    if due:
        ratio = round(1 - dropped / due, 4)
        yield Reason("OFFERED_LOAD_RATIO", ratio, ">= 0.98", ratio >= 0.98)


def _badness(reason: Reason) -> tuple[bool, float]:
    value = reason.value if isinstance(reason.value, (int, float)) else 0.0
    return not reason.ok, -value if str(reason.limit).startswith(">") else value
