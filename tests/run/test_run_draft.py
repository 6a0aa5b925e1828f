"""What a run says of itself."""

from __future__ import annotations

import pytest

from conformance.run.run_draft import simulation
from conformance.settings.settings import Settings


@pytest.mark.parametrize(
    ("settings", "command"),
    [
        (Settings(clock="virtual"), "conformance run --clock virtual"),
        (
            Settings(clock="virtual", seed=7, fault="panic-always", profiles=("gpu-emulated",), only=("PAN-*", "gpu")),
            "conformance run --clock virtual --seed 7 --fault panic-always --profile gpu-emulated"
            " --only 'PAN-*' --only gpu",
        ),
    ],
)
def test_a_simulated_run_names_the_command_that_repeats_it(settings: Settings, command: str) -> None:
    assert simulation(settings) == command
