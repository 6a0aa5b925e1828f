"""Recordings made with other settings than the published ones: what conforms there conforms here."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import pytest

from conformance.judge import validity
from conformance.judge.arrivals import Rows
from conformance.judge.finding import NotShownError
from conformance.judge.history import History, read
from conformance.judge.judgement import Verdict
from conformance.recording.fact_kind import FactKind
from conformance.recording.laboratory.conversion import convert
from conformance.recording.reader import Recording
from conformance.recording.run_bodies import WAY, ProbeBody
from tests.judge.shaping import look, with_facts, with_rows
from tests.recording.laboratory.raw import Loop, Pod, Raw

ONE = {"target": "1", "min-scale": "1"}


def test_the_initial_count_may_stay_until_all_of_it_was_ready(tmp_path: Path) -> None:
    raw = Raw(
        {**ONE, "initial-scale": "3"},
        pods=[Pod(0.5, 3.0), Pod(0.5, 9.0, leaves=22.1), Pod(0.5, 22.0, leaves=24.1)],
        desired=[(0.3, None), (0.6, -1), (3.0, 3), (22.1, 2), (24.1, 1)],
        loads=[Loop(90.0, 4.0, 1, seconds_each=0.02)],
    )
    assert look("band", raw.history(tmp_path)).verdict is Verdict.PASS


def test_an_initial_count_that_stays_for_good_is_seen(tmp_path: Path) -> None:
    raw = Raw(
        {**ONE, "initial-scale": "3"},
        pods=[Pod(0.5, 3.0), Pod(0.5, 9.0), Pod(0.5, 22.0)],
        desired=[(0.3, None), (0.6, -1), (3.0, 3)],
        loads=[Loop(90.0, 4.0, 1, seconds_each=0.02)],
    )
    assert look("band", raw.history(tmp_path)).verdict is Verdict.FAIL


def test_callers_that_set_out_one_by_one_offer_their_load(tmp_path: Path) -> None:
    waits = [0.0, 1.0, 2.0, 3.0]
    raw = Raw(
        {"target": "10", "min-scale": "1"},
        pods=[Pod(0.5, 3.0)],
        desired=[(3.0, 1)],
        loads=[Loop(80.0, 20.0, 4, waits=waits)],
    )
    assert validity.against(raw.history(tmp_path), ("load",)) == ()


def test_callers_that_pause_in_the_middle_do_not(tmp_path: Path) -> None:
    raw = Raw(
        {"target": "10", "min-scale": "1"},
        pods=[Pod(0.5, 3.0)],
        desired=[(3.0, 1)],
        loads=[Loop(80.0, 30.0, 4, idle=(10.0, 16.0))],
    )
    assert [entry.code for entry in validity.against(raw.history(tmp_path), ("load",))] == ["OFFERED_LOAD_RATIO"]


def test_delayed_halvings_take_a_delay_each(tmp_path: Path) -> None:
    raw = Raw(
        {**ONE, "scale-down-delay": "30s"},
        pods=[Pod(0.5, 3.0), Pod(81.0, 85.0), Pod(81.0, 85.0, leaves=216.0), Pod(81.0, 85.0, leaves=186.0)],
        desired=[(3.0, 1), (81.0, 4), (186.0, 3), (216.0, 2)],
        loads=[Loop(80.0, 30.0, 2)],
        end=230.0,
    )
    with pytest.raises(NotShownError, match="coming back may take"):
        look("back-to-minimum", raw.history(tmp_path))


@pytest.mark.parametrize(("rate", "verdict"), [("1.1", None), ("2", Verdict.FAIL)])
def test_a_lower_rate_takes_more_steps_down(tmp_path: Path, rate: str, verdict: Verdict | None) -> None:
    raw = Raw(
        {**ONE, "window": "6s", "scale-down-delay": "30s"},
        pods=[Pod(0.5, 3.0), Pod(81.0, 85.0), Pod(81.0, 85.0, leaves=166.0), Pod(81.0, 85.0, leaves=132.0)],
        desired=[(3.0, 1), (81.0, 4), (132.0, 3), (166.0, 2)],
        loads=[Loop(80.0, 20.0, 2)],
        config={"configAutoscaler": {"max-scale-down-rate": rate}},
        end=192.0,
    )
    history = raw.history(tmp_path)
    if verdict is None:
        with pytest.raises(NotShownError, match="coming back may take"):
            look("back-to-minimum", history)
    else:
        assert look("back-to-minimum", history).verdict is verdict


def after_a_load(tmp_path: Path, *more: Pod) -> tuple[str, ...]:
    """What `back-to-minimum` says of a load of one that ends at 110 s, with one pod and more ones."""
    raw = Raw(ONE, pods=[Pod(0.5, 3.0), *more], desired=[(3.0, 1)], loads=[Loop(80.0, 30.0, 1)], end=230.0)
    return look("back-to-minimum", raw.history(tmp_path)).facts


def test_the_way_back_is_told_from_the_end_of_the_load(tmp_path: Path) -> None:
    assert after_a_load(tmp_path, Pod(81.0, 85.0, leaves=186.0)) == ("t=186.2 s: 1 left, 76.0 s after the load",)


def test_a_service_that_never_grew_has_no_way_back(tmp_path: Path) -> None:
    assert after_a_load(tmp_path) == ("pods never above 1, so there was no way back",)


def measured(tmp_path: Path, share: float) -> History:
    """A load of four, rightly at six pods, of which the autoscaler says to have measured a share; five are there."""
    figures = [(80.0 + 2.0 * tick, 4.0 * share * min(1.0, tick / 3.0)) for tick in range(15)]
    raw = Raw(
        ONE,
        pods=[Pod(0.5, 3.0), *[Pod(82.0, 88.0)] * 4],
        desired=[(3.0, 1), (81.0, 2), (83.0, 4), (85.0, 5)],
        loads=[Loop(80.0, 30.0, 4)],
        end=118.0,
        figures=figures,
    )
    return raw.history(tmp_path)


def test_a_second_half_told_excuses_a_lower_count(tmp_path: Path) -> None:
    assert look("band", measured(tmp_path, 5.0 / 6.0)).verdict is Verdict.PASS


def test_a_load_fully_measured_excuses_nothing(tmp_path: Path) -> None:
    assert look("band", measured(tmp_path, 0.99)).verdict is Verdict.FAIL


def test_a_load_measured_by_half_is_no_excuse(tmp_path: Path) -> None:
    raw = Raw(
        ONE,
        pods=[Pod(0.5, 3.0), *[Pod(82.0, 88.0)] * 2],
        desired=[(3.0, 1), (81.0, 2), (83.0, 3)],
        loads=[Loop(80.0, 30.0, 4)],
        end=118.0,
        figures=[(80.0 + 2.0 * tick, 2.0 * min(1.0, tick / 3.0)) for tick in range(15)],
    )
    assert look("band", raw.history(tmp_path)).verdict is Verdict.FAIL


def test_a_decision_may_be_older_than_the_last_pods_readiness(tmp_path: Path) -> None:
    raw = Raw(
        {**ONE, "initial-scale": "4"},
        pods=[Pod(0.5, 3.0), *[Pod(0.5, 9.0 + n, leaves=12.3) for n in range(3)]],
        desired=[(0.6, -1), (3.0, 4), (12.2, 1)],
        loads=[Loop(90.0, 4.0, 1, seconds_each=0.02)],
    )
    assert look("halves-at-most", raw.history(tmp_path)).verdict is Verdict.PASS


def test_all_pods_taken_at_once_are_seen(tmp_path: Path) -> None:
    raw = Raw(
        {**ONE, "initial-scale": "4"},
        pods=[Pod(0.5, 3.0), *[Pod(0.5, 4.0 + n, leaves=12.3) for n in range(3)]],
        desired=[(0.6, -1), (3.0, 4), (12.2, 1)],
        loads=[Loop(90.0, 4.0, 1, seconds_each=0.02)],
    )
    assert look("halves-at-most", raw.history(tmp_path)).verdict is Verdict.FAIL


def test_a_pod_on_its_way_out_may_still_answer_at_zero(tmp_path: Path) -> None:
    raw = Raw(
        {"target": "1", "min-scale": "0"},
        pods=[Pod(0.5, 3.0, leaves=80.0), Pod(80.2, 90.0)],
        desired=[(3.0, 1), (79.9, 0), (80.1, 2)],
        loads=[Loop(80.1, 20.0, 1, stale=0.3)],
        config={"env": "SERVICE_TIME_MS=100 START_DELAY_S=6"},
    )
    with pytest.raises(NotShownError, match="while there was no pod"):
        look("cold-start-shows", raw.history(tmp_path))


def idle(window: str, zero: float, config: Mapping[str, Any] = MappingProxyType({})) -> Raw:
    """A pod that serves a short load and then goes at a time."""
    return Raw(
        {"target": "1", "min-scale": "0", "window": window},
        config=config,
        pods=[Pod(0.5, 3.0, leaves=zero)],
        desired=[(3.0, 1), (zero - 0.1, 0)],
        loads=[Loop(20.0, 4.0, 1, seconds_each=0.02)],
        end=400.0,
    )


def test_a_window_of_two_minutes_takes_two_minutes_to_zero(tmp_path: Path) -> None:
    assert (
        look("reaches-zero", idle("2m", 24.0 + 123.0).history(tmp_path), within_seconds=120.0).verdict is Verdict.PASS
    )


def test_a_window_of_two_minutes_does_not_take_three(tmp_path: Path) -> None:
    assert (
        look("reaches-zero", idle("2m", 24.0 + 180.0).history(tmp_path), within_seconds=120.0).verdict is Verdict.FAIL
    )


def test_a_short_window_takes_no_two_minutes(tmp_path: Path) -> None:
    assert (
        look("reaches-zero", idle("10s", 24.0 + 100.0).history(tmp_path), within_seconds=120.0).verdict is Verdict.FAIL
    )


GRACE_OF_MINUTES = MappingProxyType({"configAutoscaler": {"scale-to-zero-grace-period": "3m"}})


def test_the_last_pod_of_a_young_service_waits_out_the_grace(tmp_path: Path) -> None:
    """The activator is in the path from when the first pod is ready at the latest, at 3 s here."""
    found = look("reaches-zero", idle("60s", 3.0 + 180.0, GRACE_OF_MINUTES).history(tmp_path), within_seconds=120.0)
    assert found.verdict is Verdict.PASS


def test_no_grace_lasts_longer_than_it_is(tmp_path: Path) -> None:
    found = look("reaches-zero", idle("60s", 3.0 + 210.0, GRACE_OF_MINUTES).history(tmp_path), within_seconds=120.0)
    assert found.verdict is Verdict.FAIL


def steady_figures(value: float) -> list[tuple[float, float]]:
    """What an autoscaler logs of four in flight from t = 80 on: a rise over the panic window, then a value."""
    return [(80.0 + 2.0 * tick, value * min(1.0, tick / 3.0)) for tick in range(15)]


def seven(tmp_path: Path, figures: list[tuple[float, float]]) -> History:
    """Four in flight, rightly at six pods; seven are there, which a report counted twice would explain."""
    raw = Raw(
        ONE,
        pods=[Pod(0.5, 3.0), *[Pod(82.0, 88.0)] * 6],
        desired=[(3.0, 1), (81.0, 2), (83.0, 4), (85.0, 7)],
        loads=[Loop(80.0, 30.0, 4)],
        end=118.0,
        figures=figures,
    )
    return raw.history(tmp_path)


def entered(tmp_path: Path, modes: list[tuple[float, str]]) -> History:
    """Five in flight at one pod while others start, rightly at eight; eleven are wanted at last."""
    raw = Raw(
        {**ONE, "target-burst-capacity": "1"},
        pods=[Pod(0.5, 3.0), *[Pod(84.0, 96.0)] * 10],
        desired=[(3.0, 1), (83.0, 3), (85.0, 8), (87.0, 11)],
        loads=[Loop(80.0, 30.0, 5)],
        end=118.0,
        modes=modes,
    )
    return raw.history(tmp_path)


def test_an_activator_that_enters_the_path_counts_what_the_pods_tell_too(tmp_path: Path) -> None:
    assert look("band", entered(tmp_path, [(3.0, "Serve"), (83.0, "Proxy")])).verdict is Verdict.PASS


def test_an_activator_that_is_in_the_path_all_along_does_not(tmp_path: Path) -> None:
    assert look("band", entered(tmp_path, [(3.0, "Proxy")])).verdict is Verdict.FAIL


def test_without_a_log_a_report_may_have_been_counted_twice(tmp_path: Path) -> None:
    assert look("band", seven(tmp_path, [])).verdict is Verdict.PASS


def test_a_log_that_shows_more_excuses_a_higher_count(tmp_path: Path) -> None:
    assert look("band", seven(tmp_path, steady_figures(4.6))).verdict is Verdict.PASS


def test_a_log_that_shows_no_more_than_the_load_excuses_none(tmp_path: Path) -> None:
    assert look("band", seven(tmp_path, steady_figures(3.98))).verdict is Verdict.FAIL


def grown_late(tmp_path: Path) -> History:
    """A load of fourteen, rightly at two pods, that nothing is scraped for; the second comes twelve seconds late."""
    raw = Raw(
        {"target": "10", "min-scale": "1", "target-burst-capacity": "-1", "panic-threshold-percentage": "1000"},
        pods=[Pod(0.5, 3.0), Pod(92.0, 95.0)],
        desired=[(3.0, 1), (92.0, 2)],
        loads=[Loop(80.0, 40.0, 14)],
        end=120.0,
    )
    return raw.history(tmp_path)


def test_a_question_before_the_load_begins_the_windows_where_nothing_is_scraped(tmp_path: Path) -> None:
    history = grown_late(tmp_path)
    assert look("band", history).verdict is Verdict.FAIL
    asked = with_facts(history, (70.0, FactKind.PROBE, ProbeBody(WAY, 200, 0.01).plain()))
    assert look("band", asked).verdict is Verdict.PASS


def grown(tmp_path: Path, sooner: float) -> History:
    """A load of twenty to a young service, counted from the same second on by an activator that reports late in each:
    the counts that Knative's formula gives for it, and each so many seconds sooner."""
    late = [(15.75, 3), (17.75, 7), (19.75, 8), (21.75, 10), (25.75, 12), (27.75, 14), (29.75, 15)]
    raw = Raw(
        {"target": "2", "min-scale": "1", "initial-scale": "2", "panic-window-percentage": "25"},
        pods=[Pod(0.3, 10.5), Pod(0.3, 10.5, leaves=11.75), *[Pod(at + 0.2, at + 11.2) for at, _ in late]],
        desired=[(0.26, None), (0.3, -1), (10.5, 2), (11.75, 1), *[(at - sooner, count) for at, count in late]],
        loads=[Loop(15.476, 25.0, 20)],
        end=60.0,
    )
    return raw.history(tmp_path)


@pytest.mark.parametrize(("sooner", "verdict"), [(0.0, Verdict.PASS), (2.0, Verdict.FAIL)])
def test_an_activator_may_report_right_after_the_first_request(tmp_path: Path, sooner: float, verdict: Verdict) -> None:
    assert look("full-in-time", grown(tmp_path, sooner)).verdict is verdict


def refused(tmp_path: Path, callers: int) -> History:
    """Callers of three pods that run one request each, one of whom is refused."""
    raw = Raw(
        {"target": "10", "min-scale": "3", "target-burst-capacity": "0"},
        pods=[Pod(0.5, 3.0)] * 3,
        desired=[(3.0, 3)],
        loads=[Loop(80.0, 4.0, callers)],
        container_concurrency=1,
    )
    folder = raw.write(tmp_path / "raw" / "made-run1")
    text = (folder / "requests.csv").read_text(encoding="utf-8")
    (folder / "requests.csv").write_text(text.replace(",200,", ",503,", 1), encoding="utf-8")
    convert(folder, tmp_path / "run")
    return read(Recording(tmp_path / "run" / "recording" / "made-run1"))


def test_one_of_several_pods_may_be_full_when_they_serve_directly(tmp_path: Path) -> None:
    with pytest.raises(NotShownError, match="beyond a pod's queue"):
        look("surplus-waits", refused(tmp_path, 20))


def test_no_pod_is_full_with_fewer_callers_than_one_can_hold(tmp_path: Path) -> None:
    assert look("surplus-waits", refused(tmp_path, 9)).verdict is Verdict.FAIL


@pytest.mark.parametrize(("counts", "verdict"), [((72, 74, 71, 73), Verdict.PASS), ((72, 60, 72, 60), Verdict.FAIL)])
def test_many_pods_may_move_by_a_few(tmp_path: Path, counts: tuple[int, ...], verdict: Verdict) -> None:
    desired = [(3.0, 1), (81.0, 72), *[(90.0 + 4.0 * step, count) for step, count in enumerate(counts * 2)]]
    raw = Raw({"target": "0.1", "min-scale": "1"}, [Pod(0.5, 3.0)], desired, [Loop(80.0, 60.0, 5)], end=150.0)
    assert look("no-flapping", raw.history(tmp_path)).verdict is verdict


def served_by_a_late_pod(tmp_path: Path, share: float) -> History:
    """Three pods are there all along; a fourth, ready during the load, serves a share of the requests, and of the rest
    seven of nine go to the first pod."""
    raw = Raw(ONE, [*[Pod(0.5, 3.0)] * 3, Pod(70.0, 80.5)], [(3.0, 4)], [Loop(80.0, 20.0, 2)], end=110.0)
    history = raw.history(tmp_path)
    names = history.loads[0].names.tolist()
    first, second, third, late = (names.index(raw.pod(number)) for number in range(4))

    def serve(rows: Rows) -> Rows:
        by_turns = np.resize([first] * 7 + [second, third], len(rows))
        rows["pod"] = np.where(np.arange(len(rows)) < share * len(rows), late, by_turns)
        return rows

    return with_rows(history, serve)


def test_a_few_requests_say_nothing_of_their_balance(tmp_path: Path) -> None:
    with pytest.raises(NotShownError, match="enough requests for each"):
        look("balanced", served_by_a_late_pod(tmp_path, 0.9))


def test_enough_requests_tell_a_pod_that_gets_too_many(tmp_path: Path) -> None:
    assert look("balanced", served_by_a_late_pod(tmp_path, 0.1)).verdict is Verdict.FAIL
