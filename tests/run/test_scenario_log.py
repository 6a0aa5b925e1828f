"""What one scenario's lines in harness.log say."""

from __future__ import annotations

import logging

import pytest

from conformance.catalogue.scenario import Step
from conformance.load.load_plan import LoadPlan, LoadShape, Phase
from conformance.run.progress_event import ProgressEvent
from conformance.run.scenario_log import ScenarioLog, described

CALM = LoadPlan(phases=(Phase(LoadShape.CLOSED, 30.0, workers=5), Phase(LoadShape.IDLE, 4.0)))


PATCH = {"spec": {"predictor": {"minReplicas": 2}}}


@pytest.mark.parametrize(
    ("step", "text"),
    [
        (Step("settle", seconds=2.0), "settle (seconds=2.0)"),
        (
            Step("load", name="calm", plan=CALM, service_ms=100),
            "load calm (5 callers for 30 s, then nothing for 4 s, service_ms=100)",
        ),
        (Step("patch", patch=PATCH), 'patch (patch={"spec": {"predictor": {"minReplicas": 2}}})'),
        (Step("quiet"), "quiet"),
    ],
)
def test_a_step_is_told_with_everything_that_is_not_as_usual(step: Step, text: str) -> None:
    assert described(step) == text


def test_pods_are_told_when_they_change_and_every_ten_seconds_under_load(caplog: pytest.LogCaptureFixture) -> None:
    seconds = 0.0
    log = ScenarioLog("calm", lambda: seconds)
    caplog.set_level(logging.DEBUG)
    for second, pods, in_flight in ((0, 1, 0), (1, 1, 0), (30, 1, 0), (31, 1, 5), (32, 2, 5), (33, 2, 5), (42, 2, 5)):
        seconds = float(second)
        log.course(ProgressEvent(pods=pods, ready=1, desired=2, in_flight=in_flight, panic=pods > 1))
    assert caplog.messages == [
        "calm t=0.0: pods 1/2",
        "calm t=31.0: pods 1/2, in flight 5",
        "calm t=32.0: pods 2/2 in panic, 1 ready, in flight 5",
        "calm t=42.0: pods 2/2 in panic, 1 ready, in flight 5",
    ]
