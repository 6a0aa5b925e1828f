"""From the words of golden files to the model's types."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from conformance.model.collector import Stat
from conformance.model.config import AutoscalerConfig
from conformance.model.keys import GROUP
from conformance.model.parameters import Parameters

PARAMETERS: Final = {
    "activation_scale": "activation_scale",
    "activation_timeout_s": "activation_timeout_seconds",
    "activator_capacity": "activator_capacity",
    "aggregation": "aggregation",
    "effective_initial_scale": "initial_scale",
    "grace_s": "grace_seconds",
    "initial_scale": "initial_scale",
    "max_scale": "max_scale",
    "max_scale_down_rate": "max_scale_down_rate",
    "max_scale_up_rate": "max_scale_up_rate",
    "metric": "metric",
    "min_scale": "min_scale",
    "panic_threshold": "panic_threshold",
    "panic_window_s": "panic_window_seconds",
    "pod_retention_s": "pod_retention_seconds",
    "reachable": "reachable",
    "scale_down_delay_s": "scale_down_delay_seconds",
    "scale_to_zero": "scale_to_zero",
    "scrape": "scrape",
    "stable_window_s": "stable_window_seconds",
    "target": "target_value",
    "target_burst_capacity": "target_burst_capacity",
    "total": "total_value",
}
"""The recorded name of each parameter and ours."""

_DERIVED: Final = frozenset({"scrape"})


def annotations_from(recorded: Mapping[str, str] | None) -> dict[str, str]:
    """Annotations with the group's prefix, which recordings leave out."""
    return {f"{GROUP}/{key}": value for key, value in (recorded or {}).items()}


def config_from(recorded: Mapping[str, str] | None) -> AutoscalerConfig:
    """The settings of a recorded config map."""
    return AutoscalerConfig.from_data(recorded or {})


def parameters_from(resolved: Mapping[str, Any]) -> Parameters:
    """The parameters a recording says were resolved."""
    return Parameters(
        **{ours: resolved[name] for name, ours in PARAMETERS.items() if name in resolved and name not in _DERIVED}
    )


def resolved_from(parameters: Parameters) -> dict[str, Any]:
    """Parameters in the words of a recording."""
    return {name: getattr(parameters, ours) for name, ours in PARAMETERS.items()}


def stats_from(rows: Sequence[Sequence[float]] | None, columns: Sequence[str]) -> list[tuple[float, Stat]]:
    """(time stamp, report) in order of arrival."""
    places = [columns.index(name) for name in ("t", "concurrency", "proxied_concurrency", "rps", "proxied_rps")]
    return [(row[places[0]], Stat(*(row[place] for place in places[1:]))) for row in rows or ()]


def flag(value: bool) -> int:
    """A boolean as recordings write it."""
    return int(value)
