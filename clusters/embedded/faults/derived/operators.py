"""What the families of mutants have in common: a changed rule as data, and behaviours made of one function."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from clusters.embedded.behaviour.platform_behaviour import Behaviour
from conformance.model.parameters import Parameters

Object = dict[str, Any]

FACTOR: Final = 1.5
"""How far a constant is off: less hides behind ticks and reports for most."""
EVERY: Final = 40
"""Of so many requests one goes wrong."""

UP: Final = "constant up"
DOWN: Final = "constant down"
ONE_UP: Final = "off by one, up"
ONE_DOWN: Final = "off by one, down"
DROPPED: Final = "dropped"
DOUBLED: Final = "doubled"
DELAYED: Final = "delayed"
ORDER: Final = "order"
KEPT: Final = "update ignored"
RESTART: Final = "lost at restart"
SCOPE: Final = "wrong scope"
UNIT: Final = "wrong unit"
CLOCK: Final = "wrong clock"
OBJECT: Final = "wrong object"


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule changed by one operator."""

    rule: str
    operator: str
    behaviour: type[Behaviour]
    scenarios: tuple[str, ...]
    """Those that exercise the rule, in the order in which they are tried."""
    invisible: str = ""
    """Why no user can see it."""
    autoscaler: Mapping[str, str] = field(default_factory=dict)
    """What config-autoscaler says beforehand."""
    activators: int = 1
    """How many the platform has."""


def made(name: str, **methods: object) -> type[Behaviour]:
    """A behaviour that overrides these methods."""
    return type(name, (Behaviour,), dict(methods))


def setting(change: Callable[[Parameters], Parameters]) -> type[Behaviour]:
    """Scales every revision by changed parameters."""

    def parameters(self: Behaviour, parameters: Parameters) -> Parameters:
        del self
        return change(parameters)

    return made("ChangedSetting", parameters=parameters)


def times(name: str, factor: float) -> type[Behaviour]:
    """One parameter larger or smaller by a factor; windows stay whole seconds, at least one."""

    def change(parameters: Parameters) -> Parameters:
        value = getattr(parameters, name) * factor
        return replace(parameters, **{name: max(1, round(value)) if "window" in name else value})

    return setting(change)


def plus(name: str, amount: int) -> type[Behaviour]:
    """A bound off by one; one that is not set stays so."""

    def change(parameters: Parameters) -> Parameters:
        value = getattr(parameters, name)
        return replace(parameters, **{name: max(0, value + amount) if value else value})

    return setting(change)


def fixed(name: str, value: Any) -> type[Behaviour]:
    """One parameter that is what it is whatever was asked for."""
    return setting(lambda parameters: replace(parameters, **{name: value}))
