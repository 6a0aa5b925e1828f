"""Settings to compare: `scaleTarget=1,2,4` and `minReplicas=0,1` make six cases."""

from __future__ import annotations

import copy
import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from conformance.base.errors import UsageError, nearest
from conformance.catalogue.own_manifest import COMPONENTS, OwnManifest
from conformance.model.config import KEYS

FIELDS: Final = ("scaleTarget", "scaleMetric", "minReplicas", "maxReplicas", "containerConcurrency", "timeout")
"""Of a component: as they are called in a manifest, of the predictor unless a component stands before, with a dot."""
TIMES: Final = ("service-ms", "start-seconds")
"""Of the model."""
MOST_CASES: Final = 100


@dataclass(frozen=True, slots=True)
class Case:
    """One choice of settings, as they were written."""

    settings: Mapping[str, str]

    def manifest(self, own: OwnManifest) -> OwnManifest:
        """The manifest with these settings. Raises UsageError for a component that it does not have."""
        service: dict[str, Any] = copy.deepcopy(dict(own.service))
        for key, text in self.settings.items():
            component, field = _field(key)
            if "/" in key:
                service["metadata"].setdefault("annotations", {})[key] = text
            elif field is not None:
                if component not in own.components:
                    raise UsageError(f"--vary {key}: {own.name} has no {component}")
                service["spec"][component][field] = int(text) if text.isdecimal() else text
        return replace(own, service=service)

    @property
    def autoscaler(self) -> dict[str, str]:
        """Keys of config-autoscaler."""
        return {key: text for key, text in self.settings.items() if key in KEYS}

    def time(self, name: str) -> float | None:
        """One of `TIMES`, if it varies."""
        text = self.settings.get(name)
        if text is None:
            return None
        try:
            return float(text)
        except ValueError:
            raise UsageError(f"--vary {name}={text}: a number is wanted") from None

    def __str__(self) -> str:
        return " ".join(f"{key}={text}" for key, text in self.settings.items()) or "as it is"


def cases(varied: Sequence[str]) -> tuple[Case, ...]:
    """All combinations, the first key changing slowest. Raises UsageError for an unknown key or too many cases."""
    listed: dict[str, list[str]] = {}
    for text in varied:
        key, sign, values = text.partition("=")
        chosen = [value.strip() for value in values.split(",") if value.strip()]
        if not sign or not chosen:
            raise UsageError(f"--vary {text}: KEY=A,B is wanted")
        _check(key)
        if key in listed:
            raise UsageError(f"--vary {key} is there twice; list all its values in one")
        listed[key] = chosen
    count = 1
    for chosen in listed.values():
        count *= len(chosen)
    if count > MOST_CASES:
        raise UsageError(f"--vary: {count} cases; at most {MOST_CASES} are compared")
    return tuple(Case(dict(zip(listed, values, strict=True))) for values in itertools.product(*listed.values()))


def _field(key: str) -> tuple[str, str | None]:
    """(component, field) that a key stands for; no field where it is another kind of key."""
    component, dot, field = key.partition(".")
    if not dot:
        return "predictor", key if key in FIELDS else None
    return component, field if component in COMPONENTS and field in FIELDS else None


def _check(key: str) -> None:
    if key in KEYS or key in TIMES or _field(key)[1] is not None or "/" in key:
        return
    raise UsageError(f"--vary {key}: no such setting; {nearest(key, (*FIELDS, *TIMES, *KEYS))}")
