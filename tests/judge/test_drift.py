"""Where page and model disagree the page is corrected, not the platform."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from conformance.catalogue.scenario import scenarios
from conformance.judge import drift
from conformance.judge.history import History, build


def claiming(history: History, name: str) -> History:
    """The recording as if it were one of a documented scenario."""
    claims = [
        {"passage": claim.passage, "text": claim.text, "pods": claim.pods, "component": claim.component,
         "modelled": claim.modelled}
        for claim in scenarios()[name].claims
    ]  # fmt: skip
    header = replace(
        history.recording.header, scenario_spec={**history.recording.header.scenario_spec, "claims": claims}
    )

    class Source:
        def __init__(self) -> None:
            self.header = header
            self.folder = Path("x")

    return build(Source(), history.facts, history.loads)


def test_five_pods_are_drift_where_eight_are_modelled(real: Callable[[str], History]) -> None:
    found = drift.of(claiming(real("s6"), "target-concurrency"))
    first = found[0]
    assert first.claimed == "5 pods"
    assert first.modelled.startswith("7 to 9 pods")
    assert "utilization 70%" in first.modelled
    assert first.digest.startswith("sha256:")


def test_the_known_drifts_of_the_page_are_all_there(real: Callable[[str], History]) -> None:
    found = [entry.claimed for entry in drift.of(claiming(real("s6"), "target-concurrency"))]
    found += [entry.claimed for entry in drift.of(claiming(real("s2"), "target-qps-page"))]
    text = " | ".join(found)
    for word in (
        "5 pods",
        "10 pods",
        "50 requests per second",
        "cold start",
        "scaleMetric qps",
        "flowers-sample-default",
    ):
        assert word in text


def test_a_claim_that_holds_is_no_drift(real: Callable[[str], History]) -> None:
    history = real("s6")
    header = replace(
        history.recording.header,
        scenario_spec={
            **history.recording.header.scenario_spec,
            "claims": [{"passage": "p", "text": "8 pods", "pods": 8}],
        },
    )

    class Source:
        def __init__(self) -> None:
            self.header = header
            self.folder = Path("x")

    assert drift.of(build(Source(), history.facts, history.loads)) == ()
