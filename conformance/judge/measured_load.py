"""What one conforming autoscaler measures of a revision's load: the two means that each of its decisions sees.

That hangs on the load, on when it counts and on its windows, but not on what it decides; with one exception, that the
first request to a revision which wants nothing is told at once. So it is measured once for all ways of deciding.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, NamedTuple, TypeAlias

import numpy as np

from conformance.judge import first_reports, path_changes, sampling_noise
from conformance.judge.arrivals import Arrivals
from conformance.judge.demand import Side, demand
from conformance.judge.first_reports import first_of_second
from conformance.judge.history import History, Revision
from conformance.judge.once import once
from conformance.judge.step_function import Floats
from conformance.model.collector import Observation
from conformance.model.config import TICK_SECONDS
from conformance.model.keys import RPS
from conformance.model.parameters import Parameters
from conformance.model.window import Window, smoothing

LOSS_PERIOD: Final = 30
"""On the low side one report in so many is lost."""
FULL_SECONDS: Final = 60.0
"""Knative's stable window: what happens to so many of its reports may happen to as many of a longer window that is
younger, whose mean is over the seconds since its first report."""
DOUBLED: Final = 2.0
"""On the high side so many reports of a stable window are counted twice."""
JITTER: Final = 0.02
"""Share of the load that the low side misses and the high side adds: seconds that are not quite a second long, and
arrivals on their edges."""

_Spread: TypeAlias = tuple[float, float]
"""Factors on the stable and the panic mean."""
_CERTAIN: Final = (1.0, 1.0)


@dataclass(frozen=True, slots=True)
class Member:
    """How one conforming autoscaler measures."""

    high: bool
    tick_phase: float
    report_phase: float
    report_age: float
    loss: int = 0
    plain: bool = False
    """No report is counted twice or lost: the likely course rather than an edge."""
    gap: bool = False
    """Every tick falls between the scrape of its second, which counts nothing, and the activator's report."""
    doubled: bool = True
    """On the high side: reports are counted twice all the time, and an activator's first one may tell too much."""
    first_once: bool = False
    """On the high side: the first report leaves out the request that was told before it."""


@dataclass(frozen=True, slots=True)
class Windows:
    """What of an autoscaler's parameters decides on its means."""

    metric: str
    stable_seconds: float
    panic_seconds: float
    weighted: bool
    scrape: bool

    @classmethod
    def of(cls, parameters: Parameters) -> Windows:
        """Those of an autoscaler."""
        return cls(
            parameters.metric,
            parameters.stable_window_seconds,
            parameters.panic_window_seconds,
            parameters.weighted,
            parameters.scrape,
        )


class Look(NamedTuple):
    """What one decision sees."""

    t: float
    """Seconds from the recording's origin."""
    ready: int
    observed: Observation | None
    """None where there are no reports to go by."""
    idle: bool
    """Both means are zero."""


class Second(NamedTuple):
    """The decisions up to a report, and the one on the first request in the second before it."""

    ticks: tuple[Look, ...]
    poke: Look | None


@dataclass(frozen=True, slots=True)
class _Reports:
    """What is reported each second; all of one length."""

    at: Floats
    values: Floats
    """Mean requests in flight, or requests."""
    unsettled: Floats
    """Requests that a window which ends then may hold beyond what is counted, negative where that many may miss."""
    beyond: Floats
    """What is counted twice or not at all because the activator enters or leaves the path."""
    prompt: Floats
    """What an activator's first report after a silence may tell beyond that."""
    ready: Floats
    """Ready pods."""


@once
def _reports(history: History, revision: Revision, metric: str, high: bool, phase: float, age: float) -> _Reports:
    load = demand(history, revision, metric)
    side = load.most if high else load.least
    at = np.arange(np.floor(revision.seen) + phase, history.end, 1.0)
    values = side.counted.between(at - 1.0 - age, at - age)
    beyond = path_changes.beyond(revision, side, at, values, high)
    prompt = first_reports.beyond(revision, load, at - age, values) if high else np.zeros(len(at))
    return _Reports(at, values, side.unsettled(at - age), beyond, prompt, revision.ready.at(at))


@once
def measured(history: History, revision: Revision, member: Member, windows: Windows) -> MeasuredLoad:
    """`MeasuredLoad`, kept as long as the recording."""
    return MeasuredLoad(history, revision, member, windows)


class MeasuredLoad:
    """What a member measures from the revision's first sight to the end of what was watched."""

    def __init__(
        self, history: History, revision: Revision, member: Member, windows: Windows, likely: tuple[int, ...] = ()
    ) -> None:
        self.likely = likely
        """Reports before which the first request is probably told at once: what is right is found anyway, but later."""
        self.member = member
        self.revision = revision
        self.origin_wall = history.recording.header.origin_wall
        self._windows = windows
        self._load = demand(history, revision, windows.metric)
        self._reports = _reports(history, revision, windows.metric, member.high, member.report_phase, member.report_age)
        self.first = _firsts(self._side.sent, self._reports.at)
        """For each report the first request in the second before it, None where there was none."""
        self._perhaps = _firsts(self._load.most.sent, self._reports.at)
        """The same of all that may have been counted, questions outside of loads too."""
        self._ticks = np.arange(revision.seen + member.tick_phase, history.end, TICK_SECONDS)
        self._ready = revision.ready.at(self._ticks)
        self._noise = self._sampled()
        self._known: dict[tuple[int, ...], _Seconds] = {}

    def _sampled(self) -> list[_Spread]:
        """At each tick what sampling may make of the means."""
        lengths = self._windows.stable_seconds, self._windows.panic_seconds
        stable, panic = (
            sampling_noise.factors(self.revision, self._ticks, self._load, self.member.high, length).tolist()
            for length in lengths
        )
        return list(zip(stable, panic, strict=True))

    def seconds(self, pokes: tuple[int, ...]) -> _Seconds:
        """What is seen up to each report, and after the last: where the first requests before these reports are told
        at once. Up to the first report in which two differ they are the same."""
        if pokes not in self._known:
            self._known[pokes] = _Seconds(self._measure(frozenset(pokes)))
        return self._known[pokes]

    def _measure(self, pokes: frozenset[int]) -> Iterator[Second]:
        member, reports = self.member, self._reports
        windows = _Means(member, self._windows)
        due = iter(zip(self._ticks.tolist(), self._ready.astype(int).tolist(), self._noise, strict=True))
        tick = next(due, None)
        previous, silent = 0.0, True
        nothing = np.zeros(len(reports.at))
        unsettled = nothing if member.plain else reports.unsettled
        values = reports.values if member.plain else reports.values + reports.beyond
        prompts = reports.prompt if member.doubled and not member.plain else nothing
        told = zip(
            reports.at.tolist(), values.tolist(), prompts.tolist(), unsettled.tolist(),
            reports.ready.astype(int).tolist(), self.first, strict=True,
        )  # fmt: skip
        for number, (at, value, prompt, open_count, ready, first) in enumerate(told):
            ticks = []
            while tick is not None and tick[0] <= at:
                ticks.append(windows.look(*tick, self.origin_wall))
                tick = next(due, None)
            poke = first if number in pokes else None
            # Knative pkg/autoscaler/scaling/multiscaler.go Poke: one request is counted and decided on.
            if poke is not None:
                windows.record(self.origin_wall + poke, 1.0)
            yield Second(tuple(ticks), None if poke is None else windows.look(poke, ready, _CERTAIN, self.origin_wall))
            scraped = self._windows.scrape and ready >= 1
            # What the activator holds at zero pods has arrived there, although it reaches no pod yet.
            heard = scraped or value > 0 or previous > 0 or open_count > 0
            begins = self._perhaps[number]
            if not self._windows.scrape and not member.high and begins is not None and silent:
                # Nothing else begins the windows then: what follows is a mean over the silence after it, too.
                windows.record(self.origin_wall + begins, 0.0)
            silent = begins is None
            if heard and (member.high or (number + member.loss) % LOSS_PERIOD):
                if poke is not None:
                    value = self._first_report(at, poke, value)
                windows.record(self.origin_wall + at, value, 0.0 if poke is not None else prompt)
                windows.unsettled = self.origin_wall + at, open_count
            previous = value
        ticks = []
        while tick is not None:
            ticks.append(windows.look(*tick, self.origin_wall))
            tick = next(due, None)
        yield Second(tuple(ticks), None)

    def _first_report(self, at: float, first: float, value: float) -> float:
        """What the activator reports first after a silence. The low side: the second's mean less the request that it
        reported already. The high side: the mean since the first request, all of it in the bucket of the poke."""
        source = self._side.counted
        if not self.member.high or isinstance(source, Arrivals):
            return max(0.0, value - 1.0)
        spent = float(source.until(np.array([at]))[0] - source.until(np.array([first]))[0])
        mean = max(value, spent / max(at - first, 0.05))
        # The poke counted one; that the report leaves it out shows in the log alone, but where both are of one second.
        return max(0.0, mean - 1.0) if self.member.first_once or not self.member.doubled else mean

    @property
    def _side(self) -> Side:
        return self._load.most if self.member.high else self._load.least


class _Seconds:
    """Seconds that are measured as they are asked for."""

    def __init__(self, measuring: Iterator[Second]) -> None:
        self._measuring = measuring
        self._done: list[Second] = []

    def __getitem__(self, number: int) -> Second:
        while len(self._done) <= number:
            self._done.append(next(self._measuring))
        return self._done[number]


class _Means:
    """Both windows of a member, and what it makes of their means."""

    def __init__(self, member: Member, windows: Windows) -> None:
        self._plain = _Pair(
            Window(windows.stable_seconds, weighted=windows.weighted),
            Window(windows.panic_seconds, weighted=windows.weighted),
        )
        self._prompt: _Pair | None = None
        """With what an activator told beyond the reports, while the stable window knows of it."""
        self._prompt_until = -math.inf
        self._needs_reports = windows.scrape
        second, share = 1.0 / windows.stable_seconds, 1.0 / windows.panic_seconds
        # With exponential weights the newest second alone is so much of the mean: counted twice, or not yet there.
        newest, newest_panic = (smoothing(math.ceil(window.seconds)) if windows.weighted else 0.0
                                for window in self._plain)  # fmt: skip
        if member.plain:
            self._factors = 1.0, 1.0
        elif member.high:
            # A report that comes early counts in the second before, and its own second is not there yet: a mean is over
            # the seconds up to the last write (window.go linearAverage), so that one second less divides it.
            short = max(newest_panic, 1.0 / max(1.0, windows.panic_seconds - 1.0))
            self._factors = (
                1.0 + newest,
                1.0 + (short if member.doubled else 0.0) + JITTER,
            )
        else:
            # The panic window's lost seconds pass: what a panic wanted is kept.
            self._factors = (
                (1.0 - JITTER) * (1.0 - max(newest, second if member.gap else 0.0)),
                (1.0 - JITTER) * (1.0 - share if member.gap else 1.0),
            )
        # One arrival at a window's edge may fall on either side of it.
        arrival = 0.0 if member.plain or windows.metric != RPS else (1.0 if member.high else -1.0)
        self._arrival, self._panic_edge = arrival, arrival * share
        self._doubled = DOUBLED if member.high and not member.plain else -math.inf
        self.unsettled = (0.0, 0.0)
        """When a report came, and the requests that a window may hold by then, or miss, beyond those reported."""

    def record(self, wall: float, value: float, beyond: float = 0.0) -> None:
        """Count a report, and what an activator may have told beyond it."""
        if beyond:
            self._prompt = self._prompt or copy.deepcopy(self._plain)
            self._prompt_until = wall + self._plain.stable.seconds + 1.0
        elif wall > self._prompt_until:
            self._prompt = None
        self._plain.record(wall, value)
        if self._prompt is not None:
            self._prompt.record(wall, value + beyond)

    def look(self, t: float, ready: int, noise: _Spread, origin_wall: float) -> Look:
        """What a decision sees at `t`."""
        wall = origin_wall + t
        pair = self._plain
        if self._needs_reports and pair.stable.is_empty(wall):
            return Look(t, ready, None, False)
        stable, panic = pair.averages(wall, self.unsettled)
        length = min(pair.stable.seconds, max(FULL_SECONDS, pair.stable.span_seconds))
        doubled = max(self._factors[0], 1.0 + self._doubled / max(1.0, length - 1.0))
        most, most_panic = stable * doubled, panic * self._factors[1]
        if self._prompt is not None:
            # Either lifts the means: what stands for a whole second is one of the reports that count twice.
            prompt, prompt_panic = self._prompt.averages(wall, self.unsettled)
            most, most_panic = max(most, prompt), max(most_panic, prompt_panic * (1.0 + JITTER))
        observed = Observation(
            most * noise[0] + (self._arrival / length if stable > 0 else 0.0),
            most_panic * noise[1] + (self._panic_edge if panic > 0 else 0.0),
        )
        return Look(t, ready, observed, not most and not most_panic)


class _Pair(NamedTuple):
    """Two windows that hear the same."""

    stable: Window
    panic: Window

    def record(self, wall: float, value: float) -> None:
        for window in self:
            window.record(wall, value)

    def averages(self, wall: float, unsettled: tuple[float, float]) -> tuple[float, float]:
        """Both means, with the requests that were unsettled at a time."""
        at, count = unsettled
        if not count:
            return self.stable.average(wall), self.panic.average(wall)
        self.record(at, count)
        means = max(0.0, self.stable.average(wall)), max(0.0, self.panic.average(wall))
        self.record(at, -count)
        return means


def _firsts(sent: Floats, reports: Floats) -> list[float | None]:
    """For each report the first request in the second before it, None where there was none."""
    return [None if np.isnan(first) else first for first in first_of_second(sent, reports).tolist()]
