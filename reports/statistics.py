"""How many requirements came out how, under the names that a report gives the counters."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Final

from conformance.judge.judgement import Verdict

COUNTERS: Final = {
    Verdict.PASS: "Passed",
    Verdict.FAIL: "Failed",
    Verdict.INCONCLUSIVE: "Inconclusive",
    Verdict.ERROR: "Error",
    Verdict.SKIPPED: "Skipped",
    Verdict.NOT_APPLICABLE: "NotApplicable",
}
"""Names of the counters in a report's statistics, those of the Gateway API where it has them."""


def statistics(verdicts: Iterable[Verdict]) -> dict[str, int]:
    """All six counters, zeros included."""
    counts = Counter(verdicts)
    return {name: counts[verdict] for verdict, name in COUNTERS.items()}
