from __future__ import annotations

import io
from dataclasses import dataclass, field

import pytest

from conformance.catalogue.scenario import Scenario, scenarios
from conformance.run.progress import Progress, State, table
from conformance.run.progress_event import ProgressEvent


@dataclass
class Watch:
    """A clock the test moves."""

    seconds: float = 100.0

    def __call__(self) -> float:
        return self.seconds


@dataclass
class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    sent: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__()

    def isatty(self) -> bool:
        return True


@pytest.fixture
def scenario() -> Scenario:
    return scenarios()["target-concurrency"]


def test_a_log_gets_one_line_a_phase_and_a_sign_of_life(scenario: Scenario) -> None:
    stream, now = io.StringIO(), Watch()
    with Progress(stream, now=now, environ={"TERM": "xterm"}) as progress:
        progress.start([scenario])
        progress.update(scenario.name, ProgressEvent(phase="load", pods=3, desired=8))
        progress.update(scenario.name, ProgressEvent(in_flight=5))
        now.seconds += 31
        progress.update(scenario.name, ProgressEvent(requests_per_second=45.0))
        now.seconds += 5
        progress.finish(scenario.name, "complete")
    lines = stream.getvalue().splitlines()
    assert [line.split()[0] for line in lines] == ["0.0", "0.0", "31.0", "36.0"]
    assert "pods 3/8" in lines[1]
    assert "in flight 5" in lines[2]
    assert lines[3].endswith("complete   36.0 s [1/1]")


@pytest.mark.parametrize("environ", [{"TERM": "dumb"}, {"TERM": "xterm", "CI": "true"}, {}])
def test_a_terminal_that_cannot_move_its_cursor_gets_plain_lines(scenario: Scenario, environ: dict[str, str]) -> None:
    stream = Terminal()
    with Progress(stream, now=Watch(), environ=environ) as progress:
        progress.start([scenario])
        progress.update(scenario.name, ProgressEvent(phase="load"))
    assert "\x1b" not in stream.getvalue()


def test_a_terminal_gets_a_live_table(scenario: Scenario) -> None:
    stream, now = Terminal(), Watch()
    with Progress(stream, now=now, environ={"TERM": "xterm"}) as progress:
        progress.start([scenario])
        progress.update(scenario.name, ProgressEvent(phase="load", pods=3, desired=8))
    assert "pods/wanted" in stream.getvalue()
    assert "3/8" in stream.getvalue()


def test_text_from_the_platform_cannot_drive_the_terminal() -> None:
    stream = io.StringIO()
    with Progress(stream, live=False) as progress:
        progress.line("pod \x1b[2Jevil\r\n\u202egone")
    assert "\x1b" not in stream.getvalue()
    assert "\u202e" not in stream.getvalue()
    assert stream.getvalue().count("\n") == 1


def test_more_scenarios_than_lines_are_counted_not_drawn() -> None:
    states = [State(f"scenario-{number}", 60.0, started=0.0) for number in range(20)]
    assert table(states, 10.0, 10.0, height=5).row_count == 6
