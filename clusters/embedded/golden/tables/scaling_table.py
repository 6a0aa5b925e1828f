"""How a desired count becomes replicas: clamp, scale to zero, the Active condition, activators, the delay."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from clusters.embedded.golden.golden_fields import flag
from clusters.embedded.golden.tables.table_rows import Row, read_rows
from clusters.embedded.golden.tally import ReplayTally
from conformance.model.activation import Activation, Mode, Status, count_activators, judge
from conformance.model.delay import DelayWindow
from conformance.model.durations import SECOND_NANOSECONDS, parse_duration
from conformance.model.keys import UNREACHABLE
from conformance.model.parameters import Parameters
from conformance.model.scaler import Path, Scale, scale

_NOW: Final = 1_000_000.0
_STATUS: Final = {1: Status.TRUE, 0: Status.FALSE, -1: Status.UNKNOWN}
_NUMBER: Final = {status: number for number, status in _STATUS.items()}
_REASON: Final = "x"
"""The reason the tables start from, to show whether it was renewed."""
_REPLICAS: Final = 55
"""What the deployment of the clamp table has before."""


def _activation(status: Status, age_seconds: float = 0.0) -> Activation:
    return Activation(status, _REASON, _NOW - age_seconds)


def answer_clamp(row: Row) -> dict[str, Any]:
    """clamp: bounds and initial scale on an active revision."""
    unreachable = row["reachability"] == UNREACHABLE
    parameters = Parameters(
        min_scale=0 if unreachable else row["min"],
        max_scale=row["max"],
        initial_scale=row["initial"],
        reachable=not unreachable,
    )
    path = Path(Mode.PROXY, None, True)
    active = _activation(Status.TRUE)
    scaled = scale(row["desired"], parameters, active, path, initialized=bool(row["initialized"]), now=_NOW)
    return {"want": scaled.want, "replicas_after": scaled.want if scaled.apply else _REPLICAS}


def answer_scale_to_zero(row: Row) -> dict[str, Any]:
    """scale_to_zero: desired 0 with a window of 60 s, a grace period of 30 s and 60 s to become active."""
    parameters = Parameters(
        scale_to_zero=bool(row["enabled"]),
        target_burst_capacity=float(row["tbc"]),
        pod_retention_seconds=parse_duration(row["retention"]) / SECOND_NANOSECONDS,
        activation_timeout_seconds=60.0,
    )
    proxying = row["proxy_for_s"] >= 0
    path = Path(
        Mode.PROXY if proxying else Mode.SERVE,
        _NOW - row["proxy_for_s"] if proxying else None,
        bool(row["probe_ok"]),
    )
    activation = _activation(_STATUS[row["active"]], row["status_age_s"])
    scaled = scale(0, parameters, activation, path, initialized=True, now=_NOW)
    return {"want": scaled.want, "apply": flag(scaled.apply), "requeue_after_s": _requeue(scaled)}


def _requeue(scaled: Scale) -> float:
    return -1 if scaled.requeue_seconds is None else scaled.requeue_seconds


def answer_active_condition(row: Row) -> dict[str, Any]:
    """active_condition: the next status and whether the initial scale was reached."""
    activation, initialized = judge(
        _activation(_STATUS[row["active"]]),
        Parameters(min_scale=row["min"], initial_scale=row["initial"]),
        initialized=bool(row["initialized"]),
        want=row["want"],
        ready=row["ready"],
        now=_NOW,
    )
    return {
        "new_active": _NUMBER[activation.status],
        "new_initialized": flag(initialized),
        "reason": activation.reason,
    }


def answer_activators(row: Row) -> dict[str, Any]:
    """num_activators: how many stand in the path."""
    parameters = Parameters(
        target_burst_capacity=row["tbc"], activator_capacity=row["activator_capacity"], total_value=row["total"]
    )
    return {"num_activators": count_activators(parameters, row["ready"])}


def replay_delay(tally: ReplayTally, table: Mapping[str, Any]) -> None:
    """scale_down_delay_window: one window per delay, its rows in order of time."""
    window: DelayWindow | None = None
    delay: float | None = None
    last = 0.0
    for place, row in read_rows(table):
        if window is None or row["delay_s"] != delay or row["unix"] < last:
            window, delay = DelayWindow(row["delay_s"]), row["delay_s"]
        last = row["unix"]
        if row["extra"]:
            window.record(last, row["value"] + 2)
        tally.compare(place, {"current": row["current"]}, {"current": window.record(last, row["value"])})
