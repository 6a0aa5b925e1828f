from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from clusters.embedded.behaviour.platform_behaviour import Behaviour
from clusters.embedded.faults import behaviour_of, faults
from conformance.base.errors import UsageError
from tests.embedded.virtual import Scene, play

REQUIREMENTS = Path(__file__).parent.parent.parent.parent / "conformance" / "catalogue" / "requirements"


def test_the_honest_platform_is_the_default() -> None:
    assert type(behaviour_of(None)) is Behaviour


def test_an_unknown_fault_names_the_nearest_one() -> None:
    with pytest.raises(UsageError, match="did you mean 'panic-never-left'"):
        behaviour_of("panic-never-lefft")


def test_every_fault_that_a_requirement_names_exists() -> None:
    named = {
        fault
        for path in sorted(REQUIREMENTS.glob("*.yaml"))
        for entry in yaml.safe_load(path.read_text())
        for fault in entry.get("faults", ())
    }
    assert named - set(faults()) == set()


@pytest.mark.parametrize("name", sorted(faults()))
def test_a_fault_overrides_something_and_says_what(name: str) -> None:
    fault = faults()[name]
    assert fault.text
    assert fault.breaks
    honest = {member for kind in Behaviour.__mro__ for member in vars(kind)}
    assert honest & set(vars(fault.behaviour)) - {"__module__", "__doc__", "__init__"} or any(
        honest & set(vars(kind)) - {"__module__", "__doc__"} for kind in fault.behaviour.__mro__[:2]
    )


@pytest.mark.parametrize("name", sorted(set(faults()) - {"never-ready", "never-ready-at-zero"}))
def test_a_broken_platform_still_runs(name: str) -> None:
    """Apart from its fault: the service comes up, takes load and goes."""

    async def story(scene: Scene) -> None:
        await scene.example("autoscale-new")
        isvc = await scene.ready("flowers-sample", within=120)
        await scene.hold(isvc["status"]["url"], "/v1/models/flowers-sample:predict", 3, 8.0)
        assert scene.codes

    play(story, fault=name)
