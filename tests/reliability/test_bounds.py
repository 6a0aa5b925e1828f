"""What a run takes from the machine it gives back, and a long one takes no more than a short one."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from conformance.settings.settings import Budgets
from tests.reliability.large import BYTES_PER_ROW, COUNTED, judged, multiply, peak_mib, recorded, rehearsed
from tests.reliability.looks import Sample
from tests.reliability.soak import MANY_MIB, Soaked, many, repeated, soak


def test_a_soak_ends_with_the_tasks_and_files_it_began_with_and_little_memory(tmp_path: Path) -> None:
    done = soak([repeated(240.0)], tmp_path)
    assert done.outcomes == ("complete",)
    assert (done.after.tasks, done.after.files) == (done.before.tasks, done.before.files)
    assert len(done.samples) == 2
    first, last = done.samples
    assert last.tasks <= first.tasks + 2
    assert last.files == first.files
    # The history of five minutes and the Events of an hour are still filling.
    assert last.rss_mib - first.rss_mib < 48


def test_many_scenarios_share_a_run_and_leave_nothing(tmp_path: Path) -> None:
    done = soak(many(2), tmp_path, Budgets())
    assert done.outcomes == ("complete",) * 2
    assert done.faults(MANY_MIB + peak_mib()) == []


def sample(seconds: float, mib: float, tasks: int = 1, platform_mib: float = 0.0) -> Sample:
    return Sample(seconds, 0, mib, tasks, 8, platform_mib)


def soaked(*mib: float, after: Sample | None = None, platform: bool = False) -> Soaked:
    """A run of two hours, looked at every half an hour."""
    samples = tuple(sample(number * 1800.0, value, platform_mib=60.0 * platform) for number, value in enumerate(mib))
    return Soaked(("complete",), samples, sample(0, 50), after or sample(9000, 50), 1.0)


def test_growth_counts_from_when_an_api_server_has_collected_its_events() -> None:
    assert soaked(60, 100, 110, 111, 112).faults() == []
    assert soaked(60, 70, 80, 90, 100).faults() == ["harness grew by 20.0 MiB an hour of 8"]


def test_a_harness_without_an_api_server_may_not_grow_in_the_first_hour_either() -> None:
    assert soaked(60, 64, platform=True).faults() == []
    assert soaked(60, 70, platform=True).faults() == ["harness grew by 20.0 MiB an hour of 8"]


def test_what_stays_behind_is_a_fault_of_the_run() -> None:
    assert soaked(60, 60, after=sample(9000, 50, tasks=2)).faults() == ["tasks went from 1 to 2"]
    kept = replace(sample(9000, 50), blocks=300_000)
    assert soaked(60, 60, after=kept).faults() == ["300000 more pieces of Python objects than before"]
    assert soaked(60, 300).faults(bound_mib=200)[0] == "300 MiB are more than 200"


def test_many_arrivals_are_judged_like_few_in_bounded_memory(tmp_path: Path) -> None:
    folder = rehearsed(tmp_path / "run")
    few = judged(folder, 0)
    rows = multiply(folder, 300_000)
    lots = judged(folder, rows)
    assert rows >= 295_000
    assert {name: lots.verdicts[name] for name in COUNTED} == {name: few.verdicts[name] for name in COUNTED}
    assert (lots.peak_mib - few.peak_mib) * (1 << 20) / rows < BYTES_PER_ROW


async def test_many_arrivals_are_recorded_in_the_memory_of_few(tmp_path: Path) -> None:
    rows = 60_000
    _, _, mib = await recorded(tmp_path, rows)
    assert (tmp_path / "load-0.rows").stat().st_size == rows * 72
    assert mib < 32
