"""Can this recording decide anything? Every check has a code, a limit and a remedy.

A requirement is INCONCLUSIVE when a check of a kind that it touches is not met: load, observer, capacity, clock,
witness, config, restart or starved. Limits are defended beside them; what is computed from the delivered load needs the
load to be delivered, not to be perfect.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from conformance.judge import capacity_validity, load_validity, observer_validity, starvation_validity
from conformance.judge.history import History
from conformance.judge.judgement import Reason
from conformance.judge.once import once
from conformance.judge.validity_check import ValidityCheck

CHECKS: Final[tuple[ValidityCheck, ...]] = (
    load_validity.OFFERED,
    load_validity.LAG,
    load_validity.GENERATOR,
    observer_validity.LOOP,
    observer_validity.PLATFORM,
    observer_validity.SKEW,
    observer_validity.GAP,
    observer_validity.THROTTLED,
    observer_validity.LATENESS,
    capacity_validity.PLACES,
    capacity_validity.IMAGES,
    capacity_validity.RESTARTS,
    starvation_validity.STARVED,
    starvation_validity.RESTARTED,
    load_validity.WITNESS,
    observer_validity.CONFIGURATION,
)
"""In the order in which reports list them."""

ALWAYS: Final = frozenset({"platform"})
"""Kinds that touch every requirement that looks at how the platform behaved."""


@once
def _outcomes(history: History) -> tuple[tuple[ValidityCheck, Reason], ...]:
    found = ((check, check.look(history)) for check in CHECKS)
    return tuple((check, reason) for check, reason in found if reason is not None)


def of(history: History) -> tuple[Reason, ...]:
    """The outcomes of all checks that a recording allows to make, in a fixed order."""
    return tuple(reason for _, reason in _outcomes(history))


def against(history: History, touches: Iterable[str]) -> tuple[Reason, ...]:
    """The outcomes of the checks not met among those of the given kinds."""
    kinds = set(touches)
    kinds |= ALWAYS if kinds else set()
    return tuple(reason for check, reason in _outcomes(history) if not reason.ok and check.kind in kinds)
