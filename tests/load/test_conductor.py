"""The conductor: who sends when, with time handed in."""

from __future__ import annotations

import math

from conformance.load.conductor import FAILURE_PAUSE_SECONDS, Conductor
from conformance.load.load_plan import Phase, Plan, Shape


def test_workers_of_a_closed_loop_start_together_and_follow_their_answers() -> None:
    conductor = Conductor(Plan((Phase(Shape.CLOSED, 1.0, workers=3),)))
    assert [arrival.worker for arrival in conductor.take(0.0)] == [0, 1, 2]
    assert conductor.next_due == math.inf
    assert conductor.until(0) == 1.0
    assert conductor.freed(0, 1, 0.4) == 0.4
    assert conductor.freed(0, 1, 1.0) is None


def test_a_counted_loop_gives_each_worker_its_whole_share() -> None:
    conductor = Conductor(Plan((Phase(Shape.CLOSED, 0.0, workers=3, count=8),)))
    assert len(conductor.take(0.0)) == 3
    assert conductor.until(0) == 0.0
    assert [conductor.freed(0, worker, 0.1) for worker in (0, 1, 2, 0)] == [0.1, 0.1, 0.1, None]


def test_a_worker_pauses_after_a_failed_connection() -> None:
    conductor = Conductor(Plan((Phase(Shape.CLOSED, 1.0, workers=1),)))
    conductor.take(0.0)
    assert conductor.freed(0, 0, 0.5, failed=True) is None
    assert conductor.next_due == 0.5 + FAILURE_PAUSE_SECONDS
    assert [arrival.worker for arrival in conductor.take(0.52)] == [0]
    assert conductor.freed(0, 0, 0.995, failed=True) is None
    assert conductor.next_due == math.inf


def test_a_paced_worker_keeps_one_late_tick_and_drops_the_others() -> None:
    conductor = Conductor(Plan((Phase(Shape.SALVO, 10.0, workers=1, rate_per_worker=1),)))
    assert [arrival.due for arrival in conductor.take(1.0)] == [1.0]
    assert conductor.take(4.5) == []
    assert conductor.missed_ticks == 2
    assert conductor.freed(0, 0, 4.5) == 2.0
    assert conductor.take(5.0) == []
    assert conductor.freed(0, 0, 5.1) == 5.0
    assert conductor.freed(0, 0, 5.2) is None
    assert [arrival.due for arrival in conductor.take(6.0)] == [6.0]


def test_a_late_tick_is_not_sent_after_the_time_is_up() -> None:
    conductor = Conductor(Plan((Phase(Shape.SALVO, 2.0, workers=1, rate_per_worker=1),)))
    conductor.take(1.0)
    conductor.take(2.0)
    assert conductor.freed(0, 0, 2.5) is None


def test_counted_salvos_end_when_every_worker_has_sent_its_share() -> None:
    conductor = Conductor(Plan((Phase(Shape.SALVO, 0.0, workers=2, rate_per_worker=10, count=4),)))
    sent = 0
    while conductor.next_due < math.inf:
        for _, phase, worker in conductor.take(conductor.next_due):
            sent += 1
            assert conductor.freed(phase, worker, 0.0) is None
    assert sent == 4


def test_open_arrivals_come_whatever_the_answers_do() -> None:
    conductor = Conductor(Plan((Phase(Shape.CONSTANT, 1.0, rate=4), Phase(Shape.BURST, 1.0, count=2))))
    assert [arrival.due for arrival in conductor.take(0.6)] == [0.0, 0.25, 0.5]
    assert conductor.next_due == 0.75
    assert [arrival.due for arrival in conductor.take(9.0)] == [0.75, 1.0, 1.0]
    assert conductor.is_open(0)
    assert conductor.is_open(1)


def test_shards_number_their_workers_apart() -> None:
    plan = Plan((Phase(Shape.CLOSED, 1.0, workers=5),))
    taken = [[arrival.worker for arrival in Conductor(plan, shard, 2).take(0.0)] for shard in (0, 1)]
    assert taken == [[0, 2, 4], [1, 3]]
