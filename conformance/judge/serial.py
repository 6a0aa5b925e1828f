"""Judgements as canonical bytes: the same judgements always give the same file."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import fields, is_dataclass
from enum import Enum
from typing import Any

from conformance.judge.judgement import (
    Confidence,
    Expected,
    Judgement,
    Margin,
    Measured,
    Moment,
    Reason,
    Verdict,
)


def dump(judgements: Iterable[Judgement]) -> bytes:
    """All judgements by requirement, keys sorted, floats as Python writes them; fields at their default are left out."""
    values = [_plain(entry) for entry in sorted(judgements, key=lambda entry: entry.requirement)]
    return (json.dumps(values, indent=1, sort_keys=True, ensure_ascii=False, allow_nan=False) + "\n").encode()


def load(data: bytes) -> tuple[Judgement, ...]:
    """Read what `dump` wrote; raises ValueError for anything else."""
    values = json.loads(data)
    if not isinstance(values, list):
        raise ValueError("judgements are a list")
    try:
        return tuple(_judgement(value) for value in values)
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"not a judgement: {error}") from error


def _plain(value: Any) -> Any:
    if isinstance(value, Enum):
        return value.value
    if is_dataclass(value) and not isinstance(value, type):
        pairs = ((field, getattr(value, field.name)) for field in fields(value))
        return {field.name: _plain(entry) for field, entry in pairs if entry != field.default}
    if isinstance(value, (tuple, list)):
        return [_plain(entry) for entry in value]
    return value


def _judgement(value: Mapping[str, Any]) -> Judgement:
    values = dict(value)
    values["verdict"] = Verdict(values["verdict"])
    for name, cls in (("expected", Expected), ("measured", Measured), ("confidence", Confidence)):
        if name in values:
            values[name] = cls(**values[name])
    if "margin" in values:
        values["margin"] = Margin(values["margin"])
    values["reasons"] = tuple(Reason(**entry) for entry in values.get("reasons", ()))
    values["moments"] = tuple(Moment(**entry) for entry in values.get("moments", ()))
    for name in ("facts", "evidence"):
        values[name] = tuple(values.get(name, ()))
    if "nearest_fault" in values:
        name, misfit, specified = values["nearest_fault"]
        values["nearest_fault"] = (str(name), float(misfit), float(specified))
    return Judgement(**values)
