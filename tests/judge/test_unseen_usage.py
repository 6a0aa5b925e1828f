"""Metrics that the suite could not ask for, while the autoscaler went by them: what the witnesses burnt stands in."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from conformance.catalogue.scenario import scenarios
from conformance.judge.checks.horizontal_scaling import judged
from conformance.judge.finding import NotShownError
from conformance.judge.history import History, read
from conformance.recording.reader import Recording
from conformance.simulate.simulation import simulate_scenario

UNSEEN = (58.0, 100.0)
"""Seconds in which the load makes an honest autoscaler grow."""


def recorded(folder: Path, fault: str | None, *, unseen: bool) -> History:
    """A run whose metrics API gave no answer for a while: to the suite alone (`unseen`), or to anybody."""
    simulate_scenario(scenarios()["standard-ceiling"], folder, fault=fault)
    place = folder / "recording" / "standard-ceiling"
    facts = [json.loads(line) for line in (place / "facts.jsonl").read_text(encoding="utf-8").splitlines()]
    during = [fact for fact in facts if fact["kind"] == "usage" and UNSEEN[0] <= fact["t"] < UNSEEN[1]]
    first = during[0]
    first["body"] = {**first["body"], "pods": None, "trouble": "no answer", **({"unseen": True} if unseen else {})}
    kept = [fact for fact in facts if fact is first or fact not in during]
    (place / "facts.jsonl").write_text("".join(json.dumps(fact) + "\n" for fact in kept), encoding="utf-8")
    return read(Recording(place))


def outside(history: History) -> float:
    """Pods x seconds."""
    ((record, band),) = judged(history)
    few, many = band.outside(record.replicas)
    return float((few + many).sum())


def test_without_a_second_source_an_honest_autoscaler_would_be_accused(tmp_path: Path) -> None:
    assert outside(recorded(tmp_path, None, unseen=False)) > 20


def test_what_the_witnesses_burnt_says_what_an_honest_autoscaler_saw(tmp_path: Path) -> None:
    assert outside(recorded(tmp_path, None, unseen=True)) == 0


def test_what_nobody_knows_is_not_decided(tmp_path: Path) -> None:
    history = recorded(tmp_path, None, unseen=True)
    shutil.rmtree(tmp_path / "witness")
    with pytest.raises(NotShownError, match="could not ask the metrics API"):
        outside(history)


def test_a_wrong_autoscaler_is_told_by_what_the_witnesses_burnt(tmp_path: Path) -> None:
    assert outside(recorded(tmp_path, "hpa-never-scales", unseen=True)) > 20
