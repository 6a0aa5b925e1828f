from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from clusters.embedded.behaviour.control_behaviour import PlatformState
from clusters.embedded.behaviour.platform_behaviour import Behaviour, ControlBehaviour, DataBehaviour
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


DECISIONS = frozenset(
    name for kind in (DataBehaviour, ControlBehaviour) for name in vars(kind) if not name.startswith("_")
)
"""By their names: what else a class has of its own differs from one Python to the next."""


def overridden(behaviour: type[Behaviour]) -> set[str]:
    """Decisions that a behaviour takes otherwise than a conforming platform."""
    return {name for name in DECISIONS if getattr(behaviour, name) is not getattr(Behaviour, name)} - {"attach"}


@pytest.mark.parametrize("name", sorted(faults()))
def test_a_fault_overrides_a_decision_and_says_what_it_breaks(name: str) -> None:
    fault = faults()[name]
    assert fault.text
    assert fault.breaks
    assert overridden(fault.behaviour)


def test_a_behaviour_that_only_looks_on_overrides_no_decision() -> None:
    class LooksOn(Behaviour):
        """Has a constructor, an attribute and a view of the platform, and breaks nothing."""

        def __init__(self) -> None:
            self.state: PlatformState | None = None

        def attach(self, state: PlatformState) -> None:
            self.state = state

    assert "__init__" in vars(LooksOn)
    assert overridden(LooksOn) == set()
    assert overridden(Behaviour) == set()


def running() -> Iterator[Any]:
    """Faults with which a service comes up; those that take the same decisions otherwise as one before are thorough."""
    seen: set[frozenset[str]] = set()
    for name, fault in sorted(faults().items()):
        taken = frozenset(overridden(fault.behaviour))
        if name not in ("never-ready", "never-ready-at-zero"):
            yield pytest.param(name, marks=[pytest.mark.thorough] if taken in seen else [])
            seen.add(taken)


@pytest.mark.parametrize("name", list(running()))
def test_a_broken_platform_still_runs(name: str) -> None:
    """Apart from its fault: the service comes up, takes load and goes, and no object changes but by being written."""

    async def story(scene: Scene) -> None:
        await scene.example("autoscale-new")
        isvc = await scene.ready("flowers-sample", within=120)
        await scene.hold(isvc["status"]["url"], "/v1/models/flowers-sample:predict", 3, 2.0)
        assert scene.codes

    play(story, fault=name, guarded=True)
