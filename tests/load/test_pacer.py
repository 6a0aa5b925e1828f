"""The pacer: who sends when, with time handed in."""

from __future__ import annotations

import math

from conformance.load.load_plan import LoadPlan, LoadShape, Phase
from conformance.load.pacer import FAILURE_PAUSE_SECONDS, Pacer


def test_workers_of_a_closed_loop_start_together_and_follow_their_answers() -> None:
    pacer = Pacer(LoadPlan((Phase(LoadShape.CLOSED, 1.0, workers=3),)))
    assert [arrival.worker for arrival in pacer.take(0.0)] == [0, 1, 2]
    assert pacer.next_due == math.inf
    assert pacer.until(0) == 1.0
    assert pacer.freed(0, 1, 0.4) == 0.4
    assert pacer.freed(0, 1, 1.0) is None


def test_a_counted_loop_gives_each_worker_its_whole_share() -> None:
    pacer = Pacer(LoadPlan((Phase(LoadShape.CLOSED, 0.0, workers=3, count=8),)))
    assert len(pacer.take(0.0)) == 3
    assert pacer.until(0) == 0.0
    assert [pacer.freed(0, worker, 0.1) for worker in (0, 1, 2, 0)] == [0.1, 0.1, 0.1, None]


def test_a_caller_goes_on_in_the_next_closed_phase_when_it_is_free() -> None:
    """Twelve callers become sixteen: were they others, twenty-eight requests would be under way for a while."""
    pacer = Pacer(LoadPlan((Phase(LoadShape.CLOSED, 1.0, workers=2), Phase(LoadShape.CLOSED, 1.0, workers=3))))
    pacer.take(0.0)
    assert pacer.freed(0, 0, 0.9) == 0.9
    assert [(arrival.phase, arrival.worker) for arrival in pacer.take(1.0)] == [(1, 2)]
    assert pacer.freed(0, 1, 1.2) is None
    assert pacer.next_due == 1.2
    assert pacer.take(1.2) == [(1.2, 1, 1)]
    assert pacer.freed(1, 1, 1.3) == 1.3
    assert pacer.freed(0, 0, 2.0) is None
    assert (pacer.take(2.0), pacer.next_due) == ([], math.inf)


def test_fewer_callers_are_those_with_the_first_numbers() -> None:
    pacer = Pacer(LoadPlan((Phase(LoadShape.CLOSED, 1.0, workers=3), Phase(LoadShape.CLOSED, 9.0, workers=1))))
    pacer.take(0.0)
    assert pacer.take(1.0) == []
    assert [pacer.freed(0, worker, 1.5) for worker in (2, 1, 0)] == [None, None, None]
    assert pacer.take(1.5) == [(1.5, 1, 0)]


def test_a_caller_that_fails_across_a_change_pauses_too() -> None:
    pacer = Pacer(LoadPlan((Phase(LoadShape.CLOSED, 1.0, workers=1), Phase(LoadShape.CLOSED, 1.0, workers=1, count=1))))
    pacer.take(0.0)
    assert pacer.freed(0, 0, 0.995, failed=True) is None
    assert [arrival.phase for arrival in pacer.take(1.1)] == [1]
    assert pacer.freed(1, 0, 1.2) is None


def test_a_caller_that_is_busy_for_a_whole_phase_goes_on_in_the_one_after() -> None:
    phases = tuple(Phase(LoadShape.CLOSED, 1.0, workers=1) for _ in range(3))
    pacer = Pacer(LoadPlan(phases))
    for moment in (0.0, 1.0, 2.0):
        pacer.take(moment)
    assert pacer.freed(0, 0, 2.5) is None
    assert pacer.take(2.5) == [(2.5, 2, 0)]


def test_a_worker_pauses_after_a_failed_connection() -> None:
    pacer = Pacer(LoadPlan((Phase(LoadShape.CLOSED, 1.0, workers=1),)))
    pacer.take(0.0)
    assert pacer.freed(0, 0, 0.5, failed=True) is None
    assert pacer.next_due == 0.5 + FAILURE_PAUSE_SECONDS
    assert [arrival.worker for arrival in pacer.take(0.52)] == [0]
    assert pacer.freed(0, 0, 0.995, failed=True) is None
    assert pacer.next_due == math.inf


def test_a_paced_worker_keeps_one_late_tick_and_drops_the_others() -> None:
    pacer = Pacer(LoadPlan((Phase(LoadShape.SALVO, 10.0, workers=1, rate_per_worker=1),)))
    assert [arrival.due for arrival in pacer.take(1.0)] == [1.0]
    assert pacer.take(4.5) == []
    assert pacer.missed_ticks == 2
    assert pacer.freed(0, 0, 4.5) == 2.0
    assert pacer.take(5.0) == []
    assert pacer.freed(0, 0, 5.1) == 5.0
    assert pacer.freed(0, 0, 5.2) is None
    assert [arrival.due for arrival in pacer.take(6.0)] == [6.0]


def test_a_late_tick_is_not_sent_after_the_time_is_up() -> None:
    pacer = Pacer(LoadPlan((Phase(LoadShape.SALVO, 2.0, workers=1, rate_per_worker=1),)))
    pacer.take(1.0)
    pacer.take(2.0)
    assert pacer.freed(0, 0, 2.5) is None


def test_counted_salvos_end_when_every_worker_has_sent_its_share() -> None:
    pacer = Pacer(LoadPlan((Phase(LoadShape.SALVO, 0.0, workers=2, rate_per_worker=10, count=4),)))
    sent = 0
    while pacer.next_due < math.inf:
        for _, phase, worker in pacer.take(pacer.next_due):
            sent += 1
            assert pacer.freed(phase, worker, 0.0) is None
    assert sent == 4


def test_open_arrivals_come_whatever_the_answers_do() -> None:
    pacer = Pacer(LoadPlan((Phase(LoadShape.CONSTANT, 1.0, rate=4), Phase(LoadShape.BURST, 1.0, count=2))))
    assert [arrival.due for arrival in pacer.take(0.6)] == [0.0, 0.25, 0.5]
    assert pacer.next_due == 0.75
    assert [arrival.due for arrival in pacer.take(9.0)] == [0.75, 1.0, 1.0]
    assert pacer.is_open(0)
    assert pacer.is_open(1)


def test_shards_number_their_workers_apart() -> None:
    plan = LoadPlan((Phase(LoadShape.CLOSED, 1.0, workers=5),))
    taken = [[arrival.worker for arrival in Pacer(plan, shard, 2).take(0.0)] for shard in (0, 1)]
    assert taken == [[0, 2, 4], [1, 3]]
