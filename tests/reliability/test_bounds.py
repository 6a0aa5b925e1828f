"""What a run takes from the machine it gives back, and a long one takes no more than a short one."""

from __future__ import annotations

from pathlib import Path

from conformance.settings import Budgets
from tests.reliability.large import BYTES_PER_ROW, COUNTED, judged, multiply, rehearsed
from tests.reliability.soak import many, repeated, soak


def test_a_soak_ends_with_the_tasks_and_files_it_began_with(tmp_path: Path) -> None:
    done = soak([repeated(360.0)], tmp_path)
    assert done.outcomes == ("complete",)
    assert (done.after.tasks, done.after.files) == (done.before.tasks, done.before.files)
    assert len(done.samples) == 3
    first, *_, last = done.samples
    assert last.tasks <= first.tasks + 2
    assert last.files == first.files
    assert last.rss_mib - first.rss_mib < 64


def test_many_scenarios_share_a_run_and_leave_nothing(tmp_path: Path) -> None:
    done = soak(many(4), tmp_path, Budgets())
    assert done.outcomes == ("complete",) * 4
    assert (done.after.tasks, done.after.files) == (done.before.tasks, done.before.files)


def test_many_arrivals_are_judged_like_few_in_bounded_memory(tmp_path: Path) -> None:
    folder = rehearsed(tmp_path / "run")
    few = judged(folder, 0)
    rows = multiply(folder, 600_000)
    lots = judged(folder, rows)
    assert rows >= 590_000
    assert {name: lots.verdicts[name] for name in COUNTED} == {name: few.verdicts[name] for name in COUNTED}
    assert (lots.peak_mib - few.peak_mib) * (1 << 20) / rows < BYTES_PER_ROW
