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


def test_what_too_little_load_leaves_open_is_two_lines_and_its_remedy_is_told_once() -> None:
    remedy = "this load asks for 1 pod only: -c 322 -z 60s asks for five"
    faults = {"CON-001": ("target-doubled", "flapping"), "ZER-001": ("ceil-to-floor",)}
    listed = [
        Judgement(
            name,
            Verdict.INCONCLUSIVE,
            "own-iris",
            reasons=tuple(Reason("POWER", f"{fault} would pass too: 0 pods", "none", False, remedy) for fault in each),
        )
        for name, each in faults.items()
    ]
    first, _, open_1, why, second, _, open_2, same = verdict_table(listed, {entry.id: entry for entry in CATALOGUE})
    assert (first, second) == ("CON-001  INCONCLUSIVE   own-iris", "ZER-001  INCONCLUSIVE   own-iris")
    assert open_1 == "         nothing speaks against it, but target-doubled, flapping would look the same"
    assert why == f"         {remedy}"
    assert open_2 == "         nothing speaks against it, but ceil-to-floor would look the same"
    assert same == "         for the same reason as CON-001"
