"""Who reads the answers sees what statuses and counts do not show."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from conformance.catalogue.scenario import scenarios
from conformance.judge.arrivals import Rows
from conformance.judge.finding import OutOfReachError
from conformance.judge.history import History, read
from conformance.judge.judgement import Verdict
from conformance.recording.reader import Recording
from conformance.recording.rows import RowFlag
from conformance.simulate.simulation import simulate_scenario
from tests.judge.shaping import look, with_rows

Real = Callable[[str], History]
FAULTS = ("answers-emptied", "answers-from-a-cache", "answers-swapped", "requests-altered")


def recorded(folder: Path, scenario: str, fault: str | None = None) -> History:
    """One scenario on a broken platform, or an honest one."""
    run = simulate_scenario(scenarios()[scenario], folder, 1, fault)
    return read(Recording(folder / str(run.scenarios[0].recording)))


@pytest.fixture(scope="module")
def honest(tmp_path_factory: pytest.TempPathFactory) -> History:
    return recorded(tmp_path_factory.mktemp("honest"), "components-old")


@pytest.mark.parametrize(
    ("scenario", "fault"),
    [
        *((scenario, fault) for scenario in ("scale-to-zero", "limit-direct") for fault in FAULTS),
        ("components", "answers-swapped"),
        *(pytest.param("components", fault, marks=pytest.mark.thorough) for fault in FAULTS if fault != FAULTS[2]),
    ],
)
def test_what_is_wrong_with_answers_is_found_wherever_they_pass(tmp_path: Path, scenario: str, fault: str) -> None:
    found = look("own-answers", recorded(tmp_path, scenario, fault))
    assert found.verdict is Verdict.FAIL
    assert found.facts[0].startswith("t=")
    assert " x " in found.facts[1]


def test_honest_answers_all_fit_their_requests(honest: History) -> None:
    found = look("own-answers", honest)
    assert found.verdict is Verdict.PASS
    assert found.measured.samples == sum(len(load.rows) for load in honest.loads) > 0


def test_an_answer_without_a_models_name_did_not_come_from_it(honest: History) -> None:
    def replaced(rows: Rows) -> Rows:
        rows["flags"][3] &= ~np.uint8(RowFlag.FITTED)
        rows["pod"][3] = 0
        return rows

    found = look("own-answers", with_rows(honest, replaced))
    assert (found.verdict, found.measured.value) == (Verdict.FAIL, 1)
    assert "did not come from the model" in found.facts[0]


def test_an_answer_to_a_request_that_was_renamed_tells_nothing(honest: History) -> None:
    def renamed(rows: Rows) -> Rows:
        rows["flags"][3] &= ~np.uint8(RowFlag.FITTED)
        return rows

    assert look("own-answers", with_rows(honest, renamed)).verdict is Verdict.PASS


def test_recordings_from_before_answers_were_read_are_judged_by_all_else(real: Real) -> None:
    with pytest.raises(OutOfReachError, match=r"which request"):
        look("own-answers", real("s1"))
