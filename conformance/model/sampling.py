"""Scraping a revision's pods: how many are asked, which, and what the answers stand for.

A pod counts as old after one stable window. Old pods stand for all: while enough of them are ready, young ones are
asked only in place of one that fails.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Sequence
from typing import Final, TypeVar

from conformance.model.collector import Stat

Pod = TypeVar("Pod")

_POPULATION: Final = 1.96 * 1.96 * 100 / 25
"""Square of the 95 % quantile x assumed variance / square of the tolerated error."""


class PodsExhaustedError(Exception):
    """Fewer pods answered than are needed for an estimate."""


def sample_size(pods: int) -> int:
    """How many of the ready pods have to answer: all of four, eight of fifteen, sixteen of a thousand."""
    return max(0, math.ceil(pods * _POPULATION / (pods - 1 + _POPULATION)))


def order(old: Sequence[Pod], young: Sequence[Pod], rng: random.Random) -> list[Pod]:
    """All pods in the order in which they are asked, until enough have answered."""
    first, rest = list(old), list(young)
    rng.shuffle(rest if len(first) < sample_size(len(first) + len(rest)) else first)
    return first + rest


def estimate(answers: Sequence[Stat], pods: int) -> Stat:
    """What all pods carry, from the answers of some."""
    sums = [0.0] * len(Stat._fields)
    for answer in answers:
        for position, value in enumerate(answer):
            sums[position] += value
    return Stat(*(value / len(answers) * pods for value in sums))


def scrape(
    old: Sequence[Pod], young: Sequence[Pod], ask: Callable[[Pod], Stat | None], rng: random.Random
) -> Stat | None:
    """One scrape of a revision; None without pods, and PodsExhaustedError when too many fail (`ask` returns None)."""
    pods = len(old) + len(young)
    if pods == 0:
        return None
    needed = sample_size(pods)
    answers: list[Stat] = []
    for pod in order(old, young, rng):
        answer = ask(pod)
        if answer is not None:
            answers.append(answer)
            if len(answers) == needed:
                return estimate(answers, pods)
    raise PodsExhaustedError("pods exhausted")
