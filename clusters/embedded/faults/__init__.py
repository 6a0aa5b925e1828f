"""Broken platforms: each fault is a small class that gets one documented behaviour wrong."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from clusters.embedded.behaviour.platform_behaviour import Behaviour
from clusters.embedded.faults.fault import Fault
from conformance.base.errors import UsageError, nearest

__all__ = ["Fault", "behaviour_of", "check", "faults", "weathers"]


@cache
def faults() -> Mapping[str, Fault]:
    """All faults by name."""
    from clusters.embedded.faults import (
        answer_faults,
        decision_faults,
        horizontal_faults,
        object_faults,
        parameter_faults,
        request_faults,
        update_faults,
    )

    modules = (
        parameter_faults,
        decision_faults,
        request_faults,
        answer_faults,
        object_faults,
        update_faults,
        horizontal_faults,
    )
    return {fault.name: fault for module in modules for fault in module.FAULTS}


@cache
def weathers() -> Mapping[str, Fault]:
    """What may be wrong with a cluster that is no platform's fault, by name; chosen as faults are."""
    from clusters.embedded.faults.weather import WEATHER

    return {weather.name: weather for weather in WEATHER}


def check(name: str | None) -> None:
    """Raises UsageError for a fault that nobody knows."""
    if name is not None and name not in _behaviours():
        raise UsageError(f"fault {name!r}; {nearest(name, faults())}; `conformance faults` lists them")


def behaviour_of(name: str | None) -> Behaviour:
    """A fresh behaviour of a platform with this fault, weather or mutant; None is an honest one. Raises UsageError."""
    check(name)
    return Behaviour() if name is None else _behaviours()[name]()


@cache
def _behaviours() -> Mapping[str, type[Behaviour]]:
    from clusters.embedded.faults.derived import mutants

    thought_of = {name: each.behaviour for name, each in {**faults(), **weathers()}.items()}
    return thought_of | {name: each.behaviour for name, each in mutants().items()}
