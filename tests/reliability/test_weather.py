"""Whatever stands between harness and platform, an honest platform is never accused and a broken one never passes."""

from __future__ import annotations

from pathlib import Path

import pytest

from conformance.judge.judgement import Verdict
from conformance.recording.reader import Recording
from tests.reliability.matrix import BROKEN, SCENARIO, TELLTALE, TROUBLES, meet
from tests.reliability.weather import Trouble

MORE_OF_THE_SAME = (
    "none", "API server restarts for 4 s under load", "429 under load", "ingress resets for 5 s",
)  # fmt: skip
"""None at all is what most other tests have; of the others there is a longer, an earlier, another form."""


@pytest.mark.parametrize(
    "trouble",
    [pytest.param(trouble, marks=[pytest.mark.thorough] if trouble.name in MORE_OF_THE_SAME else [])
     for trouble in TROUBLES],
    ids=lambda trouble: trouble.name.replace(" ", "-"),
)  # fmt: skip
def test_an_honest_platform_is_not_accused(trouble: Trouble, tmp_path: Path) -> None:
    outcome = meet(trouble, tmp_path / "run")
    accused = outcome.of(Verdict.FAIL)
    if trouble.ingress:
        # The ingress is part of the platform: requests it loses count against it, and only they.
        accused = [name for name in accused if not name.startswith("INT-")]
    assert accused == []
    assert outcome.of(Verdict.ERROR) == []
    facts = list(Recording(tmp_path / "run" / "recording" / SCENARIO).facts())
    assert facts[-1].kind.value == "end"


@pytest.mark.parametrize(
    "trouble",
    [pytest.param(trouble, marks=[pytest.mark.thorough] if number != 8 else []) for number, trouble in
     enumerate(TROUBLES) if number % 4 == 0],
    ids=lambda trouble: trouble.name.replace(" ", "-"),
)  # fmt: skip
def test_a_broken_platform_does_not_pass(trouble: Trouble, tmp_path: Path) -> None:
    outcome = meet(trouble, tmp_path / "run", BROKEN)
    passed = [name for name in TELLTALE if outcome.judgements[name].verdict is Verdict.PASS]
    assert passed == []
