"""The lines that a run and judging it again end with."""

from __future__ import annotations

from conformance.cli.verdict_table import verdict_table
from conformance.judge.judgement import Judgement, Reason, Verdict
from tests.reports.folders import CATALOGUE, judgements


def test_the_table_gives_the_same_reason_once() -> None:
    limit = Reason("CAPACITY_PODS", 6.0, ">= 8", False, "add a node")
    two = [Judgement(name, Verdict.INCONCLUSIVE, "scale-to-zero", reasons=(limit,)) for name in ("ZER-001", "ZER-002")]
    requirements = {entry.id: entry for entry in CATALOGUE}
    assert list(verdict_table([judgements()[0], *two], requirements)) == [
        "CON-001  PASS           target-concurrency  8 in [7, 8] pods",
        "ZER-001  INCONCLUSIVE   scale-to-zero",
        "         The sentence of ZER-001 & <its> limits",
        "         CAPACITY_PODS 6 (limit >= 8): add a node",
        "ZER-002  INCONCLUSIVE   scale-to-zero",
        "         The sentence of ZER-002 & <its> limits",
        "         for the same reason as ZER-001",
    ]
    full = list(verdict_table([judgements()[0]], requirements, full=True))
    assert full[1:] == ["         Pods reach the modelled count [excludes target-doubled]"]
