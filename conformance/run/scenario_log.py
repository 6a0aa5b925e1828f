"""One scenario's lines in `harness.log`: `NAME t=12.3: text`, in the seconds of its recording."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, MutableMapping
from dataclasses import fields
from typing import Any, Final

from conformance.catalogue.scenario import Step
from conformance.load.load_plan import LoadPlan
from conformance.run.progress_event import ProgressEvent

BEAT_SECONDS: Final = 10.0
"""How often pods and load are logged while they stay as they are."""


class ScenarioLog(logging.LoggerAdapter[logging.Logger]):
    """Says at which second of the recording each line was written."""

    def __init__(self, name: str, now: Callable[[], float]) -> None:
        """`now` gives seconds since the recording's origin."""
        super().__init__(logging.getLogger(__name__), {})
        self._name = name
        self._now = now
        self._last: ProgressEvent | None = None
        self._said = 0.0

    def process(self, msg: Any, kwargs: MutableMapping[str, Any]) -> tuple[Any, MutableMapping[str, Any]]:
        return f"{self._name} t={self._now():.1f}: {msg}", kwargs

    def course(self, event: ProgressEvent) -> None:
        """Log how pods and load stand where that has changed, and every ten seconds while there is load."""
        last, self._last = self._last, event
        beat = bool(event.in_flight) and self._now() - self._said >= BEAT_SECONDS
        if last is None or beat or _pods(event) != _pods(last) or bool(event.in_flight) != bool(last.in_flight):
            self._said = self._now()
            self.debug("%s", event.words())


def _pods(event: ProgressEvent) -> tuple[int | bool | None, ...]:
    return event.pods, event.ready, event.desired, event.requested, event.panic


def described(step: Step) -> str:
    """A step with everything about it that is not as usual: `load calm (5 callers for 30 s, service_ms=100)`."""
    usual = Step(step.kind)
    parts = []
    for field in fields(step):
        value = getattr(step, field.name)
        if field.name in ("kind", "name") or value == getattr(usual, field.name):
            continue
        if isinstance(value, LoadPlan):
            parts.append(value.words())
        else:
            parts.append(f"{field.name}={json.dumps(value, default=dict)}")
    return " ".join(filter(None, (step.kind, step.name, f"({', '.join(parts)})" if parts else "")))
