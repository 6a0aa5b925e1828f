"""The study's command takes broken autoscalers by name."""

from __future__ import annotations

import re

import pytest
from click.testing import CliRunner

from conformance.base.errors import UsageError
from conformance.simulate.study.__main__ import main


@pytest.mark.parametrize("option", ["--fault", "--mutant"])
@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("ceil-to-flor", "fault 'ceil-to-flor'; did you mean 'ceil-to-floor'?"),
        ("target-times-two", "fault 'target-times-two': 'two' is no number"),
    ],
)
def test_an_unknown_one_is_refused_before_anything_is_run(option: str, name: str, message: str) -> None:
    with pytest.raises(UsageError, match=f"^{re.escape(message)}$"):
        CliRunner().invoke(main, [option, name, "--runs", "1"], catch_exceptions=False)


@pytest.mark.parametrize("option", ["--fault", "--mutant"])
def test_a_known_one_is_taken(option: str) -> None:
    words = [option, "target-times-1.5", "--runs", "0", "--power-runs", "0", "--workers", "1"]
    result = CliRunner().invoke(main, words, catch_exceptions=False)
    assert result.exit_code == 0
    assert result.output.startswith("0 simulated honest runs")
