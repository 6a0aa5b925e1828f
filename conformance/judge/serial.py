"""Judgements as canonical JSON: judging the same recording again gives the same bytes."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import Any

from conformance.judge.judgement import (
    Confidence,
    Expected,
    Judgement,
    Likeness,
    Margin,
    Measured,
    Moment,
    Reason,
    Verdict,
)


def dump(judgements: Iterable[Judgement]) -> bytes:
    """Canonical bytes: sorted keys, one judgement a line, in the order given."""
    lines = [json.dumps(_plain(each), sort_keys=True, ensure_ascii=False, separators=(",", ":")) for each in judgements]
    return ("[\n" + ",\n".join(lines) + "\n]\n").encode()


def load(data: bytes) -> tuple[Judgement, ...]:
    """Read `dump`'s bytes; raises ValueError when they are not judgements."""
    values = json.loads(data)
    if not isinstance(values, list):
        raise ValueError("judgements are a list")
    try:
        return tuple(_judgement(value) for value in values)
    except (KeyError, TypeError) as error:
        raise ValueError(f"not a judgement: {error}") from error


def as_stored(judgement: Judgement) -> Judgement:
    """A judgement as it is read back: figures rounded, those that are not finite left out. Whoever reports a run that
    was just judged so says the same as who reads its file."""
    return _judgement(_plain(judgement))


def _plain(judgement: Judgement) -> dict[str, Any]:
    value = asdict(judgement)
    value["verdict"] = judgement.verdict.value
    value["margin"] = judgement.margin.value if judgement.margin else None
    finite: dict[str, Any] = _finite(value)
    return finite


def _finite(value: Any) -> Any:
    if isinstance(value, float):
        return round(value, 6) if math.isfinite(value) else None
    if isinstance(value, dict):
        return {key: _finite(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(entry) for entry in value]
    return value


def _known(entry: Mapping[str, Any]) -> dict[str, Any]:
    """A figure that was not finite, so that JSON has none for it, is no number again."""
    return {key: math.nan if key == "value" and item is None else item for key, item in entry.items()}


def _likeness(fields: dict[str, Any]) -> Likeness | None:
    """Early judgements named one fault alone."""
    if early := fields.pop("nearest_fault", None):
        return Likeness((early[0],), *map(_number, early[1:]))
    found = fields.get("consistent_with")
    if not found:
        return None
    return Likeness(tuple(found["faults"]), _number(found["misfit"]), _number(found["specified"]))


def _number(value: float | None) -> float:
    return math.nan if value is None else value


def _judgement(value: Mapping[str, Any]) -> Judgement:
    fields = dict(value)
    fields["verdict"] = Verdict(value["verdict"])
    fields["margin"] = Margin(value["margin"]) if value.get("margin") else None
    for name, cls in (("expected", Expected), ("measured", Measured)):
        fields[name] = cls(**_known(value[name])) if value.get(name) else None
    # Early judgements held the catalogue's own words in its place, which no run had proved.
    sure = value.get("confidence") or {}
    known = Confidence(tuple(sure.get("excluded", ())), sure.get("exercised", ""))
    fields["confidence"] = known if known != Confidence() else None
    fields["reasons"] = tuple(Reason(**_known(entry)) for entry in value.get("reasons", ()))
    fields["moments"] = tuple(Moment(**entry) for entry in value.get("moments", ()))
    fields["facts"] = tuple(value.get("facts", ()))
    fields["evidence"] = tuple(value.get("evidence", ()))
    fields["consistent_with"] = _likeness(fields)
    return Judgement(**fields)
