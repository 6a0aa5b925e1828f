"""What is derived from a recording at some cost is computed once, and forgotten with the recording's history."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec, TypeVar
from weakref import WeakKeyDictionary

from conformance.judge.history import History

Rest = ParamSpec("Rest")
Result = TypeVar("Result")


def once(compute: Callable[Concatenate[History, Rest], Result]) -> Callable[Concatenate[History, Rest], Result]:
    """Decorator of a function of a history and further hashable arguments: the result is kept as long as the history,
    which never changes, and which the result must not hold on to. Supposed counts change nothing that is derived so."""
    known: WeakKeyDictionary[History, dict[tuple[object, ...], Result]] = WeakKeyDictionary()

    @wraps(compute)
    def cached(history: History, /, *rest: Rest.args, **named: Rest.kwargs) -> Result:
        recorded = history.origin or history
        results = known.setdefault(recorded, {})
        key = (*rest, *sorted(named.items()))
        if key not in results:
            results[key] = compute(recorded, *rest, **named)
        return results[key]

    return cached
