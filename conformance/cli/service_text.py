"""What became of a service under a load, in lines for the terminal."""

from __future__ import annotations

import math
from collections.abc import Iterator

from conformance.judge.cold_starts import ColdStart
from conformance.judge.service_summary import ComponentSummary, ServiceSummary
from conformance.judge.verdict_text import number

SHOWN_STARTS = 3
UNITS = {"concurrency": "in flight", "rps": "requests a second"}


def service_lines(found: ServiceSummary) -> Iterator[str]:
    """Traffic, latency, pods by component, limits, cold starts; what was not seen is left out."""
    yield (
        f"traffic   {found.requests} requests, {number(found.requests_per_second)} answered a second; "
        f"{found.errors} without an answer 200 ({number(100 * found.error_share)} %)"
    )
    if found.errors:
        yield f"endings   {', '.join(f'{count} x {name}' for name, count in found.endings.items())}"
    if len(found.latencies):
        shown = ", ".join(f"p{percent:g} {_seconds(found.percentile(percent))}" for percent in (50, 90, 99))
        yield f"latency   {shown}, slowest {_seconds(found.percentile(100))}, from the moment each was due"
    for component in found.components:
        yield from _component(component)
    yield f"cost      {number(found.pod_minutes)} pod minutes" + (
        f", {number(found.accelerator_minutes)} accelerator minutes" if found.accelerator_minutes else ""
    )
    yield from _starts(found)


def _component(component: ComponentSummary) -> Iterator[str]:
    name = component.name
    bounds = f"{component.min_scale} to {component.max_scale or 'any number of'} pods"
    if component.metric:
        aim = f"{number(component.target_value)} {UNITS.get(component.metric, component.metric)} a pod"
        limit = f", at most {component.container_concurrency} in a pod" if component.container_concurrency else ""
        yield f"settings  {name}: {aim}, {bounds}{limit}"
    came = f"{component.peak_pods} at the most, {component.peak_ready} of them ready"
    if component.allowed is None:
        yield f"pods      {name}: {came}"
        return
    low, high = component.allowed
    wanted = number(low) if low == high else f"{number(low)} to {number(high)}"
    outside = component.outside_pod_seconds
    kept = "" if outside is None else f"; {number(outside)} pods x seconds outside of what the algorithm allows"
    yield f"pods      {name}: {wanted} wanted at the most by the documented algorithm, {came}{kept}"
    if component.container_concurrency and component.high_water:
        held = "held" if component.high_water <= component.container_concurrency else "NOT held"
        most = component.container_concurrency
        yield f"limit     {name}: at most {component.high_water} requests in a pod, limit {most} {held}"


def _starts(found: ServiceSummary) -> Iterator[str]:
    if found.cold_requests:
        yield f"cold      {found.cold_requests} requests came while no pod was ready"
    starts = sorted(found.cold_starts, key=lambda start: -start.total)
    for start in starts[:SHOWN_STARTS]:
        yield f"start     {start.pod}: {_seconds(start.total)} = {_parts(start)}"
    if len(starts) > SHOWN_STARTS:
        yield f"          and {len(starts) - SHOWN_STARTS} more starts, {_seconds(starts[-1].total)} the shortest"


def _parts(start: ColdStart) -> str:
    return " + ".join(f"{name} {_seconds(seconds)}" for name, seconds in start.parts)


def _seconds(value: float) -> str:
    if math.isnan(value):
        return "unknown"
    return f"{value * 1000:.0f} ms" if value < 1 else f"{value:.2f} s"
