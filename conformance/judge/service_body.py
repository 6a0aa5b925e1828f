"""A service's figures as plain JSON."""

from __future__ import annotations

import math
from dataclasses import asdict
from typing import Any

from conformance.judge.service_summary import ServiceSummary


def service_body(found: ServiceSummary) -> dict[str, Any]:
    """Seconds, pods and shares; null for what is not known."""
    return {
        "requests": found.requests,
        "errors": found.errors,
        "error_share": round(found.error_share, 6),
        "endings": dict(found.endings),
        "requests_per_second": finite(found.requests_per_second),
        **{f"p{percent}_seconds": finite(found.percentile(percent)) for percent in (50, 90, 99)},
        "cold_starts": found.cold_requests,
        "pod_minutes": finite(found.pod_minutes),
        "accelerator_minutes": finite(found.accelerator_minutes),
        "peak_pods": found.peak_pods,
        "components": [
            {name: finite(value) if isinstance(value, float) else value for name, value in asdict(entry).items()}
            for entry in found.components
        ],
        "starts": [
            {
                "pod": start.pod,
                "seconds": finite(start.total),
                "parts": {name: finite(part) for name, part in start.parts},
            }
            for start in found.cold_starts
        ],
    }


def finite(value: float) -> float | None:
    """A number of at most six decimals; None for what is none."""
    return round(value, 6) if math.isfinite(value) else None
