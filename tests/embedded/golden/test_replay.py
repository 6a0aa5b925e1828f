"""All golden data of the autoscaler comes out of the model and the data plane unchanged."""

from __future__ import annotations

from pathlib import Path

import pytest

from clusters.embedded.golden.golden_file import GoldenKind, find, read
from clusters.embedded.golden.replay import replay

GOLDEN = Path(__file__).parents[3] / "fixtures" / "golden"
FILES = list(find([GOLDEN / "tables", GOLDEN / "loops", GOLDEN / "traces"]))


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_a_recording_is_reproduced(path: Path) -> None:
    (tally,) = replay(read(path))
    assert tally.decisions > 0
    assert [mismatch.line() for mismatch in tally.mismatches] == []


def test_the_recordings_are_all_there() -> None:
    kinds = [document.kind for path in FILES for document in read(path)]
    assert {kind: kinds.count(kind) for kind in (GoldenKind.TRACE, GoldenKind.LOOP, GoldenKind.TABLE)} == {
        GoldenKind.TRACE: 137,
        GoldenKind.LOOP: 28,
        GoldenKind.TABLE: 24,
    }


@pytest.mark.parametrize("path", sorted((GOLDEN / "versions").glob("*.json")), ids=lambda path: path.stem)
def test_every_supported_version_decides_as_the_model_does(path: Path) -> None:
    tallies = list(replay(read(path)))
    assert sum(tally.decisions for tally in tallies) > 1000
    assert [mismatch.line() for tally in tallies for mismatch in tally.mismatches] == []


def test_horizontal_autoscalers_decide_as_kubernetes_controller_does() -> None:
    tallies = list(replay(read(GOLDEN / "horizontal" / "1.34.0.json.gz")))
    assert sum(tally.decisions for tally in tallies) == 4000
    assert [mismatch.line() for tally in tallies for mismatch in tally.mismatches] == []
