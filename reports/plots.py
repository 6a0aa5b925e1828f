"""plots/*.svg: one plain picture per scenario, readable in black and white, without script or font."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from html import escape
from typing import Final

import numpy as np

from reports.trace import Component, Curve, Floats, Trace

WIDTH: Final = 960
LEFT: Final = 56
RIGHT: Final = 150
PANEL: Final = 130
GAP: Final = 34
DASHES: Final = {
    "ready": "", "wanted": "6 3", "there": "2 3", "in flight": "", "offered": "6 3", "answered": "",
    "stable": "", "panic": "6 3", "stable, told": "2 3", "panic, told": "1 4",
}  # fmt: skip


def plots(traces: Mapping[str, Trace]) -> Iterator[tuple[str, bytes]]:
    """File name and content for every scenario with a readable recording."""
    for name, found in traces.items():
        yield f"{name}.svg", plot(found)


def plot(found: Trace) -> bytes:
    """Requests a second, requests in flight, and pods of each component, one below the other."""
    seconds = found.seconds
    panels = [
        _panel(
            found,
            "requests per second",
            [("offered", Curve(seconds, found.offered)), ("answered", Curve(seconds, found.answered))],
            None,
        ),
        _panel(found, "in flight", [("in flight", Curve(seconds, found.in_flight))], None),
    ]
    for component in found.components:
        curves = [("there", component.total), ("ready", component.ready)]
        if component.desired is not None:
            curves.insert(0, ("wanted", component.desired))
        panels.append(_panel(found, f"pods of the {component.name}", curves, component))
        if component.measured:
            title = f"{component.unit} as the {component.name}'s autoscaler measures them"
            panels.append(_panel(found, title, list(component.measured), None))
    height = len(panels) * (PANEL + GAP) + 40
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" font-family="sans-serif" '
        f'font-size="12" role="img"><title>{escape(found.name)}</title><rect width="100%" height="100%" fill="#fff"/>'
    ]
    for number, panel in enumerate(panels):
        parts.append(f'<g transform="translate(0 {number * (PANEL + GAP) + 24})">{panel}</g>')
    parts.append("</svg>\n")
    return "".join(parts).encode()


def _panel(found: Trace, title: str, curves: list[tuple[str, Curve]], component: Component | None) -> str:
    values = np.concatenate([curve.values for _, curve in curves])
    if component is not None and component.band is not None:
        values = np.concatenate((values, component.band[2]))
    values = values[np.isfinite(values)]
    top = _round_up(float(values.max()) if len(values) else 1.0)

    def across(t: float) -> float:
        return LEFT + t / found.end * (WIDTH - LEFT - RIGHT)

    def up(value: float) -> float:
        return PANEL * (1 - value / top)

    parts = [f'<text x="{LEFT}" y="-8" font-weight="bold">{escape(title)}</text>']
    if component is not None:
        for start, end in component.panics:
            parts.append(
                f'<rect x="{across(start):.1f}" width="{across(end) - across(start):.1f}" height="{PANEL}" '
                'fill="#e3e3e3"><title>panic</title></rect>'
            )
        if component.band is not None:
            times, low, high = component.band
            there = [f"{across(t):.1f},{up(v):.1f}" for t, v in zip(times, high, strict=True)]
            back = [f"{across(t):.1f},{up(v):.1f}" for t, v in zip(times[::-1], low[::-1], strict=True)]
            parts.append(f'<polygon points="{" ".join(there + back)}" fill="#000" fill-opacity="0.12"/>')
    for share in (0.0, 0.5, 1.0):
        y = up(top * share)
        parts.append(f'<path d="M{LEFT} {y:.1f}H{WIDTH - RIGHT}" stroke="#ccc"/>')
        parts.append(f'<text x="{LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{top * share:g}</text>')
    for t in _ticks(found.end):
        parts.append(f'<text x="{across(t):.1f}" y="{PANEL + 14}" text-anchor="middle">{t:g}</text>')
    for number, (name, curve) in enumerate(curves):
        dash = f' stroke-dasharray="{DASHES[name]}"' if DASHES[name] else ""
        step = component is not None
        parts.append(f'<path d="{_path(curve, across, up, step)}" fill="none" stroke="#000" stroke-width="1.4"{dash}/>')
        x, y = WIDTH - RIGHT + 12, 12 + 18 * number
        parts.append(f'<path d="M{x} {y}h26" stroke="#000" stroke-width="1.4"{dash}/>')
        parts.append(f'<text x="{x + 32}" y="{y + 4}">{escape(name)}</text>')
    return "".join(parts)


def _path(curve: Curve, across: object, up: object, step: bool) -> str:
    assert callable(across)
    assert callable(up)
    parts: list[str] = []
    drawing = False
    for t, value in zip(curve.times, curve.values, strict=True):
        if not math.isfinite(value):
            drawing = False
            continue
        x, y = across(float(t)), up(float(value))
        if not drawing:
            parts.append(f"M{x:.1f} {y:.1f}")
        else:
            parts.append(f"H{x:.1f}V{y:.1f}" if step else f"L{x:.1f} {y:.1f}")
        drawing = True
    return "".join(parts)


def _round_up(value: float) -> float:
    """The next 1, 2, 4, 5, 8 or 10 times a power of ten."""
    if value <= 0:
        return 1.0
    power = 10.0 ** math.floor(math.log10(value))
    return next(power * step for step in (1, 2, 4, 5, 8, 10) if power * step >= value * (1 - 1e-9))


def _ticks(end: float) -> Floats:
    step = next(s for s in (5, 10, 20, 30, 60, 120, 300, 600, 1800, 3600, 86400) if end / s <= 12)
    return np.arange(0.0, end, step)
