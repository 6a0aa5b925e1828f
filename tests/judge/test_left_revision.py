"""The band of a revision that traffic leaves, whose autoscaler learns of that at once or some seconds later."""

from __future__ import annotations

from pathlib import Path

from conformance.catalogue.scenario import scenarios
from conformance.judge.band import band
from conformance.judge.history import History, Revision, read
from conformance.recording.reader import Recording
from conformance.simulate.simulation import shortened, simulate_scenario

SHORT = {"target-burst-capacity": "0", "stable-window": "6s"}


def replaced(folder: Path, seed: int, settings: dict[str, str]) -> tuple[History, Revision]:
    """A rollout, and the revision that it replaces."""
    simulate_scenario(shortened(scenarios()["rollout"]), folder, seed, None, settings)
    history = read(Recording(folder / "recording" / "rollout"))
    old, new = history.revisions.values()
    assert old.left_by < new.left_by
    return history, old


def test_pods_that_stay_for_the_grace_are_not_taken_for_panic(tmp_path: Path) -> None:
    history, old = replaced(tmp_path, 2, SHORT)
    limits = band(history, old)
    gone = limits.times >= old.left_by
    assert (old.ready.at(limits.times[gone]) <= limits.calm_high[gone]).all()


def test_pods_that_go_together_stay_together_for_the_grace(tmp_path: Path) -> None:
    history, old = replaced(tmp_path, 92401, {**SHORT, "panic-threshold-percentage": "1000"})
    limits = band(history, old)
    going = (limits.times > 58.0) & (limits.times < 80.0)
    assert set(old.ready.at(limits.times[going])) == {2.0}
    assert limits.high[going].min() >= 2.0
    assert limits.idle_high[going].max() <= 1.0
