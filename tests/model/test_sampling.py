"""Which pods are scraped and what that says about all."""

from __future__ import annotations

import random

import pytest

from conformance.model.collector import Stat
from conformance.model.sampling import PodsExhaustedError, estimate, order, sample_size, scrape


@pytest.mark.parametrize(
    ("pods", "sample"),
    [(-1, 0), (0, 0), (1, 1), (2, 2), (3, 3), (4, 4), (5, 4), (6, 5), (10, 7), (52, 13), (588, 15), (589, 16)],
)
def test_the_sample_grows_slower_than_the_pods(pods: int, sample: int) -> None:
    assert sample_size(pods) == sample


def test_enough_old_pods_are_shuffled_and_young_ones_wait_in_their_order() -> None:
    asked = order(range(10), range(100, 103), random.Random(3))
    assert sorted(asked[:10]) == list(range(10))
    assert asked[:10] != list(range(10))
    assert asked[10:] == [100, 101, 102]


def test_too_few_old_pods_are_all_asked_before_young_ones_by_chance() -> None:
    asked = order(range(3), range(100, 120), random.Random(3))
    assert asked[:3] == [0, 1, 2]
    assert sorted(asked[3:]) == list(range(100, 120))
    assert asked[3:] != list(range(100, 120))


def test_a_few_too_few_old_pods_are_not_shuffled() -> None:
    assert order(range(5), [8, 9, 10, 11], random.Random(3))[:5] == [0, 1, 2, 3, 4]


def test_as_many_old_pods_as_are_asked_are_enough() -> None:
    orders = {tuple(order(range(5), [9], random.Random(seed))) for seed in range(20)}
    assert len(orders) > 5
    assert all(one[5] == 9 for one in orders)


def test_an_estimate_scales_every_part_of_the_answers() -> None:
    answers = [Stat(1.0, 2.0, 3.0, 4.0), Stat(3.0, 4.0, 5.0, 6.0)]
    assert estimate(answers, 10) == Stat(20.0, 30.0, 40.0, 50.0)


def test_no_pods_mean_no_report() -> None:
    assert scrape([], [], lambda pod: pod, random.Random(1)) is None


def test_young_pods_count_and_are_asked_where_old_ones_do_not_suffice() -> None:
    assert scrape([Stat(10.0), Stat(10.0)], [Stat(1.0)], lambda pod: pod, random.Random(1)) == Stat(21.0)


def test_a_failing_pod_is_replaced_while_others_are_left() -> None:
    answers = {pod: Stat(5.0) for pod in range(5)} | {2: None}
    assert scrape(range(5), [], answers.get, random.Random(1)) == Stat(25.0)


def test_too_many_failing_pods_lose_the_second() -> None:
    answers = dict.fromkeys(range(3), Stat(5.0))
    with pytest.raises(PodsExhaustedError, match=r"^pods exhausted$"):
        scrape(range(4), [], answers.get, random.Random(1))


def test_no_more_pods_are_asked_than_needed() -> None:
    asked: list[int] = []

    def ask(pod: int) -> Stat:
        asked.append(pod)
        return Stat(1.0)

    assert scrape(range(20), [], ask, random.Random(1)) == Stat(20.0)
    assert len(asked) == 9
