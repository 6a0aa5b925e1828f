"""Recordings made with other settings than the published ones: what conforms there conforms here."""

from __future__ import annotations

from pathlib import Path

from conformance.judge.judgement import Verdict
from tests.judge.shaping import look
from tests.laboratory.raw import Loop, Pod, Raw

ONE = {"target": "1", "min-scale": "1"}


def test_the_initial_count_may_stay_until_all_of_it_was_ready(tmp_path: Path) -> None:
    raw = Raw(
        {**ONE, "initial-scale": "3"},
        pods=[Pod(0.5, 3.0), Pod(0.5, 9.0, leaves=22.1), Pod(0.5, 22.0, leaves=24.1)],
        desired=[(0.3, None), (0.6, -1), (3.0, 3), (22.1, 2), (24.1, 1)],
        loads=[Loop(90.0, 4.0, 1, seconds_each=0.02)],
    )
    assert look("band", raw.history(tmp_path)).verdict is Verdict.PASS


def test_an_initial_count_that_stays_for_good_is_seen(tmp_path: Path) -> None:
    raw = Raw(
        {**ONE, "initial-scale": "3"},
        pods=[Pod(0.5, 3.0), Pod(0.5, 9.0), Pod(0.5, 22.0)],
        desired=[(0.3, None), (0.6, -1), (3.0, 3)],
        loads=[Loop(90.0, 4.0, 1, seconds_each=0.02)],
    )
    assert look("band", raw.history(tmp_path)).verdict is Verdict.FAIL
