"""The harness watches itself: once a second its loop's lag and its own use of the machine, and the skew of the clocks.

The embedded platform shares the machine with it and tells its own loop's lag, which is written beside.

Under a virtual clock there is nothing to watch, and figures of the real machine would make recordings differ.
"""

from __future__ import annotations

import asyncio
import json
import math
import os
import resource
import sys
from email.utils import parsedate_to_datetime
from typing import Final

from conformance.base.clock import Clock, RealClock
from conformance.base.errors import PlatformError
from conformance.kube.api_client import ApiClient
from conformance.kube.cluster import LOOP_LAG_PATH
from conformance.recording.run_bodies import ClockBody, HarnessBody
from conformance.recording.writer import Recorder

BEAT_SECONDS: Final = 1.0
SKEW_BEATS: Final = 30
LAG_PERIOD_SECONDS: Final = 2.0


class _Platform:
    """What the platform tells of itself."""

    lag_seconds: float | None = None


async def record_health(recorder: Recorder, clock: Clock, api: ApiClient, *, embedded: bool = False) -> None:
    """Write `harness` facts each second and `clock` facts twice a minute until cancelled; with the platform's own lag
    where it is the embedded one."""
    if not isinstance(clock, RealClock):
        return
    platform = _Platform()
    async with asyncio.TaskGroup() as group:
        if embedded:
            group.create_task(_ask(platform, clock, api))
        group.create_task(_beat(recorder, clock, api, platform))


async def _ask(platform: _Platform, clock: Clock, api: ApiClient) -> None:
    """Keep up with the platform's lag."""
    while True:
        start = clock.monotonic()
        try:
            answer = await api.request("GET", LOOP_LAG_PATH)
            lag = float(json.loads(answer.body)["seconds"]) if answer.status == 200 else None
        except (PlatformError, ValueError, KeyError, TypeError):
            lag = None
        platform.lag_seconds = lag if lag is not None and math.isfinite(lag) else None
        await clock.sleep(LAG_PERIOD_SECONDS - (clock.monotonic() - start))


async def _beat(recorder: Recorder, clock: Clock, api: ApiClient, platform: _Platform) -> None:
    due = clock.monotonic()
    used = _cpu_seconds()
    beat = 0
    while True:
        if beat % SKEW_BEATS == 0:
            await _skew(recorder, clock, api)
        beat += 1
        due = max(due + BEAT_SECONDS, clock.monotonic())
        before = clock.monotonic()
        await clock.sleep(due - before)
        now = clock.monotonic()
        spent, used = _cpu_seconds() - used, _cpu_seconds()
        recorder.write(
            HarnessBody(
                loop_lag_seconds=round(max(0.0, now - due), 6),
                cpu_share=round(spent / max(now - before, 1e-9), 4),
                rss_bytes=_peak_bytes(),
                tasks=len(asyncio.all_tasks()),
                open_files=_open_files(),
                platform_lag_seconds=platform.lag_seconds,
            )
        )


async def _skew(recorder: Recorder, clock: Clock, api: ApiClient) -> None:
    """Server minus local wall clock from the Date header, as far as it is certain."""
    start, wall = clock.monotonic(), clock.wall()
    try:
        answer = await api.request("GET", "/version")
    except PlatformError:
        return
    seconds = clock.monotonic() - start
    stamp = answer.headers.get("date")
    if not stamp:
        return
    try:
        server = parsedate_to_datetime(stamp).timestamp()
    except ValueError:
        return
    skew = skew_seconds(server - (wall + seconds / 2), seconds)
    recorder.write(ClockBody(round(skew, 3), round(seconds, 6), "api-server Date"))


def skew_seconds(ahead: float, round_trip_seconds: float) -> float:
    """The least skew that explains how far a Date was ahead of the middle of the request.

    The server stamped at any time between sending and answer. Date is cut to whole seconds, and many servers renew it
    once a second: one in step reads up to two seconds behind."""
    low, high = -2.0 - round_trip_seconds / 2, round_trip_seconds / 2
    return min(0.0, ahead - low) + max(0.0, ahead - high)


def _cpu_seconds() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def _peak_bytes() -> int:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def _open_files() -> int:
    try:
        return len(os.listdir("/dev/fd"))
    except OSError:
        return 0
