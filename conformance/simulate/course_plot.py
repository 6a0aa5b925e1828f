"""Courses of simulated cases as one SVG: wanted and ready pods, a panel each on one scale, in black and white."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from html import escape
from typing import Final

from conformance.simulate.what_if import Simulated, shown_seconds

COLUMNS: Final = 2
WIDTH: Final = 460
HEIGHT: Final = 120
LEFT: Final = 34
TOP: Final = 44
GAP: Final = 26
STEPS: Final = (5, 10, 15, 30, 60, 120, 300, 600, 1800, 3600)


def course_plot(title: str, found: Sequence[Simulated]) -> str:
    """The picture's text, one with a text alternative of its own for each panel."""
    end = max((case.course[-1][0] for case in found if case.course), default=1.0) or 1.0
    most = max([1.0, *(max(point[1] or 0.0, point[2]) for case in found for point in case.course)])
    columns = min(COLUMNS, len(found))
    rows = math.ceil(len(found) / columns)
    width, height = columns * (WIDTH + LEFT) + GAP, rows * (HEIGHT + TOP + GAP) + 52
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
        f'font-family="sans-serif" font-size="12" role="img"><title>{escape(title)}</title>'
        '<rect width="100%" height="100%" fill="#fff"/>'
        f'<text x="{LEFT}" y="20" font-size="14" font-weight="bold">{escape(title)}</text>'
        f'<g transform="translate({LEFT} 36)"><path d="M0 0h26" stroke="#000" stroke-width="1.6"/><text x="32" y="4">'
        'ready pods</text><path d="M120 0h26" stroke="#000" stroke-width="1.2" stroke-dasharray="5 3"/>'
        '<text x="152" y="4">wanted pods</text></g>'
    ]
    for number, case in enumerate(found):
        x = LEFT + number % columns * (WIDTH + LEFT)
        y = 52 + number // columns * (HEIGHT + TOP + GAP) + TOP
        parts.append(f'<g transform="translate({x} {y})">{_panel(case, end, most)}</g>')
    return "".join([*parts, "</svg>\n"])


def _panel(case: Simulated, end: float, most: float) -> str:
    def across(t: float) -> float:
        return t / end * (WIDTH - GAP)

    def up(value: float) -> float:
        return HEIGHT * (1 - value / most)

    name = " ".join(f"{key}={text}" for key, text in case.settings.items()) or "as it is"
    slo = {None: "", True: ", meets the SLO", False: ", misses the SLO"}[case.meets_slo]
    figures = (
        f"{case.peak_pods} pods at most, {case.pod_minutes:.1f} pod minutes, p99 {shown_seconds(case.p99_seconds)}, "
        f"{case.errors} errors{slo}"
    )
    parts = [
        f'<text y="-22" font-weight="bold">{escape(name)}</text><text y="-7" font-size="11">{escape(figures)}</text>'
    ]
    for value in sorted({0.0, most / 2, most}):
        parts.append(f'<path d="M0 {up(value):.1f}H{WIDTH - GAP}" stroke="#ccc"/>')
        parts.append(f'<text x="-5" y="{up(value) + 4:.1f}" text-anchor="end" font-size="10">{value:g}</text>')
    step = next((each for each in STEPS if end / each <= 8), STEPS[-1])
    for t in range(0, int(end) + 1, step):
        parts.append(f'<text x="{across(t):.1f}" y="{HEIGHT + 13}" text-anchor="middle" font-size="10">{t}</text>')
    wanted = _steps(((t, want) for t, want, _ in case.course if want is not None), across, up)
    there = _steps(((t, float(pods)) for t, _, pods in case.course), across, up)
    parts.append(f'<path d="{wanted}" fill="none" stroke="#000" stroke-width="1.2" stroke-dasharray="5 3"/>')
    parts.append(f'<path d="{there}" fill="none" stroke="#000" stroke-width="1.6"/>')
    return "".join(parts)


def _steps(points: Iterable[tuple[float, float]], across: object, up: object) -> str:
    assert callable(across)
    assert callable(up)
    found = [(across(t), up(value)) for t, value in points]
    if not found:
        return "M0 0"
    return f"M{found[0][0]:.1f} {found[0][1]:.1f}" + "".join(f"H{x:.1f}V{y:.1f}" for x, y in found[1:])
