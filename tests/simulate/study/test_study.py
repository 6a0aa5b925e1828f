"""The study of false alarms and power, in small."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from conformance.base.errors import UsageError
from conformance.catalogue.scenario import scenarios
from conformance.judge.band import SPECIFIED
from conformance.judge.checks import REGISTRY
from conformance.judge.judgement import Verdict
from conformance.simulate.study import study_figures, trial
from conformance.simulate.study.__main__ import BEGIN, END, put
from conformance.simulate.study.simulated_traffic import Pace, Stretch
from conformance.simulate.study.study_plans import CHECKS, PLANS


def test_honest_platforms_are_not_accused() -> None:
    tally = study_figures.truthful(range(5))
    assert tally.runs == 5
    assert tally.accused == []
    assert tally.judged["band"] == 5


def test_a_report_that_comes_early_before_its_second_is_there_is_no_offence() -> None:
    rng = np.random.default_rng(41_001_159)
    what = trial.setting(rng)
    drawn = trial.chances(rng)
    assert drawn.report_phase < drawn.report_jitter
    assert Verdict.FAIL not in study_figures.verdicts(trial.run(what, drawn, rng, SPECIFIED)).values()


@pytest.mark.parametrize(
    ("seed", "what"),
    [
        (70_023, {"metric": "rps", "min-scale": "0"}),
        (96_001_489, {"metric": "rps", "min-scale": "1", "max-scale": "9"}),
        (97_001_689, {"target": "2", "min-scale": "3", "target-burst-capacity": "0"}),
    ],
    ids=[
        "requests that the activator holds at zero have arrived there",
        "a report without the request told at once",
        "a scrape that failed in the panic window",
    ],
)
def test_what_honest_platforms_were_once_accused_of(seed: int, what: dict[str, str]) -> None:
    rng = np.random.default_rng(seed)
    drawn = trial.setting(rng)
    assert what.items() <= drawn.annotations.items()
    found = study_figures.verdicts(trial.run(drawn, trial.chances(rng), rng, SPECIFIED))
    assert found["band"] is Verdict.PASS
    assert Verdict.FAIL not in found.values()


@pytest.mark.parametrize("seed", [50_011, 500_019], ids=["an initial scale", "phases between those of the ensemble"])
def test_no_load_asks_for_what_full_in_time_once_missed(seed: int) -> None:
    tally = study_figures.truthful([seed], configured=True)
    assert tally.judged["full-in-time"] == 1
    assert tally.accused == []


def test_the_study_makes_checks_that_read_all_they_need_from_a_recording() -> None:
    assert {"band", "peak", "reaches-zero", "starts-with"} <= set(CHECKS)
    for name in CHECKS:
        REGISTRY.checks[name].parameters()


def test_a_target_wrong_by_a_quarter_is_found() -> None:
    tally = study_figures.broken("target-times-1.25", "sustained-concurrency", range(2))
    assert tally.runs_failed == 2


def test_a_plan_is_judged_by_the_catalogues_requirements_for_its_scenario() -> None:
    for plan in PLANS.values():
        assert "band" in {entry.check for entry in plan.requirements()}
        assert all(entry.scenario == plan.scenario for entry in plan.requirements())


def test_a_plan_offers_what_its_scenario_offers() -> None:
    for plan in PLANS.values():
        first = next(step.plan for step in scenarios()[plan.scenario].steps if step.plan)
        offered = [(phase.workers or phase.rate, phase.seconds) for phase in first.phases]
        assert offered == [(stretch.workers or stretch.rate, stretch.seconds) for stretch in plan.stretches]


def test_the_same_seed_gives_the_same_run() -> None:
    def once(seed: int = 11) -> tuple[object, ...]:
        rng = np.random.default_rng(seed)
        what = trial.setting(rng)
        history = trial.run(what, trial.chances(rng), rng, SPECIFIED)
        return tuple((fact.t, fact.kind, str(fact.body)) for fact in history.facts)

    assert once() == once() != once(12)


@pytest.mark.parametrize(("failures", "runs", "bound"), [(0, 2000, 0.0015), (0, 74, 0.0397), (1, 100, 0.0466)])
def test_the_bound_is_the_exact_one(failures: int, runs: int, bound: float) -> None:
    assert study_figures.upper_bound(failures, runs) == pytest.approx(bound, abs=2e-4)


def test_the_table_goes_between_its_marks(tmp_path: Path) -> None:
    path = tmp_path / "band.md"
    path.write_text(f"before\n{BEGIN}\nold\n{END}\nafter\n", encoding="utf-8")
    put(path, "new\n")
    assert path.read_text(encoding="utf-8") == f"before\n{BEGIN}\nnew\n{END}\nafter\n"


def test_a_document_without_marks_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "band.md"
    path.write_text("nothing", encoding="utf-8")
    with pytest.raises(UsageError, match=r"no marks"):
        put(path, "new\n")


def sharing(activators: int, seed: int) -> dict[str, Verdict]:
    """Verdicts on an honest platform whose activators share five requests in flight."""
    rng = np.random.default_rng(seed)
    asked = {"target": "1", "min-scale": "1", "metric": "concurrency"}
    what = trial.Setting(asked, (Stretch(60.0, workers=5),), Pace(0.1, 0.002), 20.0, 110.0, activators)
    return study_figures.verdicts(trial.run(what, trial.chances(rng, 3.0), rng, SPECIFIED))


@pytest.mark.parametrize(
    ("activators", "seeds"),
    [(1, [0]), (2, [0]), (3, [0, 1]), *(pytest.param(n, [2, 3, 4, 5], marks=pytest.mark.thorough) for n in (1, 2, 3))],
)
def test_activators_that_report_at_different_times_are_no_offence(activators: int, seeds: list[int]) -> None:
    for seed in seeds:
        assert Verdict.FAIL not in sharing(activators, 771_000 + seed).values(), seed
