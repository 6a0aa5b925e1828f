"""A tight scenario takes a model that is slow beside the way there and back."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from conformance.catalogue.scenario import Step, scenarios
from conformance.load.load_plan import LoadPlan, LoadShape, Phase
from conformance.recording.reader import Recording
from conformance.recording.run_bodies import WAY, NoteBody, ProbeBody
from conformance.run.way import MOST_MS, PROBES, tight_service_ms
from tests.run.virtual_campaign import campaign, short

LOAD = Step("load", plan=LoadPlan(phases=(Phase(LoadShape.CLOSED, seconds=4.0, workers=1),)))


@pytest.mark.parametrize(
    ("least_ms", "way", "taken"),
    [
        (1000, None, 1000), (1000, 0.002, 1000), (1000, 0.040, 1000), (1000, 0.041, 1100), (1000, 3.0, MOST_MS),
        (200, 0.01, 300),
    ],
)  # fmt: skip
def test_the_service_time_is_long_beside_the_way(least_ms: int, way: float | None, taken: int) -> None:
    assert tight_service_ms(least_ms, way) == taken


def test_the_way_is_measured_while_settling_and_the_load_asks_for_what_follows(tmp_path: Path) -> None:
    chosen = replace(short("sustained-concurrency", Step("settle", seconds=3.0), LOAD), service_ms=1)
    assert chosen.tight
    campaign(tmp_path / "run", [chosen])
    recording = Recording(tmp_path / "run" / "recording" / chosen.name)
    (note,) = [
        fact.body.text for fact in recording.facts() if isinstance(fact.body, NoteBody) and "way" in fact.body.text
    ]
    asked = [fact.body for fact in recording.facts() if isinstance(fact.body, ProbeBody)]
    assert [(each.name, each.status) for each in asked] == [(WAY, 200)] * PROBES
    taken = int(note.rpartition("takes ")[2].removesuffix(" ms"))
    assert taken >= 100
    (load,) = recording.loads()
    assert load.count <= 4000 / taken + 1


def test_a_scenario_that_is_not_tight_is_left_alone() -> None:
    documented = [each for each in scenarios().values() if each.documented]
    assert documented
    assert not any(each.tight for each in documented)
