"""What a person sees while a run goes on: a live table on a terminal, plain lines everywhere else.

Nothing here refreshes by itself (no thread, no task): the scenarios report once a second, and that draws. The stream is
a copy of standard error taken on entry, because pytest later puts its own capture in the original's place.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from io import UnsupportedOperation
from types import TracebackType
from typing import Final, Self, TextIO

from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

from conformance.base.terminal import printable
from conformance.catalogue.scenario import Scenario
from conformance.run.progress_event import ProgressEvent, count

ENDINGS: Final = ("complete", "interrupted", "failed", "error", "skipped", "not-ours")
REFRESH_SECONDS: Final = 0.2
BEAT_SECONDS: Final = 30.0
"""Without a terminal: how often a scenario that stays in one phase says that it is alive."""

Sink = Callable[[Mapping[str, object]], None]
"""Somebody else who wants the same news (the dashboard)."""


WAITING: Final = ProgressEvent(phase="waiting")


@dataclass(slots=True)
class State:
    """Where one scenario stands; None where it never said."""

    name: str
    seconds: float
    """Predicted length."""
    started: float | None = None
    news: ProgressEvent = WAITING
    outcome: str | None = None
    spoke: float = 0.0

    def left(self, now: float) -> float:
        """Seconds to its predicted end."""
        if self.outcome is not None:
            return 0.0
        if self.started is None:
            return self.seconds
        return max(self.news.seconds_left or 0.0, self.seconds - (now - self.started), 1.0)


class Progress:
    """Live on a terminal that can move its cursor; one line a phase in CI logs, pipes and dumb terminals."""

    def __init__(
        self,
        stream: TextIO | None = None,
        *,
        live: bool | None = None,
        now: Callable[[], float] = time.monotonic,
        environ: Mapping[str, str] | None = None,
        sinks: Sequence[Sink] = (),
    ) -> None:
        self._given = stream
        self._live_wanted = live
        self._now = now
        self._environ = os.environ if environ is None else environ
        self._sinks = tuple(sinks)
        self._states: dict[str, State] = {}
        self._begun = now()
        self._drawn = 0.0
        self._stream: TextIO | None = None
        self._live: Live | None = None

    def __enter__(self) -> Self:
        self._begun = self._now()
        stream = self._out()
        if self._live_wanted if self._live_wanted is not None else _moves(stream, self._environ):
            console = Console(file=stream, force_terminal=True, highlight=False, emoji=False, markup=False)
            self._live = Live(
                console=console, auto_refresh=False, transient=True, redirect_stdout=False, redirect_stderr=False
            )
            self._live.start()
            # A second Ctrl-C leaves at once, and nobody would bring a hidden cursor back.
            console.show_cursor(True)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._live is not None:
            self._live.stop()
            self._live = None
        if self._stream is not None and self._stream not in (self._given, sys.stderr):
            self._stream.close()
            self._stream = None

    def start(self, scenarios: Sequence[Scenario]) -> None:
        """Name everything that will run."""
        self._states = {entry.name: State(entry.name, entry.seconds) for entry in scenarios}
        longest = max((entry.seconds for entry in scenarios), default=0.0)
        one = len(self._states) == 1
        length = f"it takes about {longest:.0f} s" if one else f"the longest takes about {longest:.0f} s"
        self.line(f"{len(self._states)} scenario{'' if one else 's'}, {length}")
        self._tell({"kind": "start", "scenarios": [[entry.name, entry.seconds] for entry in scenarios]})

    def update(self, name: str, news: ProgressEvent) -> None:
        """ProgressEvent of one scenario."""
        state = self._states.setdefault(name, State(name, 0.0))
        now = self._now()
        if state.started is None:
            state.started = now
        # The end is told twice, as a phase and by `finish`; a log wants it once.
        if news.phase in ENDINGS:
            news = replace(news, phase=None)
        changed = news.phase is not None and news.phase != state.news.phase
        state.news = news.after(replace(state.news, seconds_left=None) if changed else state.news)
        self._tell({"kind": "update", "name": name, "t": now - self._begun, **state.news.body()})
        if self._live is not None:
            self._draw(now, force=changed)
        elif changed or now - state.spoke >= BEAT_SECONDS:
            state.spoke = now
            self._print(f"{name:<{self._width()}}  {state.news.phase:<10} {state.news.words()}".rstrip())

    def finish(self, name: str, outcome: str) -> None:
        """A scenario is over."""
        state = self._states.setdefault(name, State(name, 0.0))
        now = self._now()
        state.outcome = outcome
        length = now - state.started if state.started is not None else 0.0
        done = sum(entry.outcome is not None for entry in self._states.values())
        self._print(f"{name:<{self._width()}}  {outcome:<10} {length:.1f} s [{done}/{len(self._states)}]")
        self._tell({"kind": "finish", "name": name, "outcome": outcome, "t": now - self._begun})
        self._draw(now, force=True)

    def line(self, text: str) -> None:
        """One line that stays."""
        self._print(text)
        self._tell({"kind": "line", "text": printable(text), "t": self._now() - self._begun})

    def _print(self, text: str) -> None:
        stamp = f"{self._now() - self._begun:7.1f}  {printable(text)}"
        with suppress(OSError):  # a closed terminal must not end the run
            if self._live is not None:
                self._live.console.print(Text(stamp), soft_wrap=True)
            else:
                stream = self._out()
                stream.write(stamp + "\n")
                stream.flush()

    def _tell(self, news: Mapping[str, object]) -> None:
        for sink in self._sinks:
            sink(news)

    def _width(self) -> int:
        return max((len(name) for name in self._states), default=0)

    def _draw(self, now: float, *, force: bool = False) -> None:
        if self._live is None or (not force and now - self._drawn < REFRESH_SECONDS):
            return
        self._drawn = now
        with suppress(OSError):
            height = max(3, self._live.console.height - 4)
            self._live.update(table(tuple(self._states.values()), now, now - self._begun, height), refresh=True)

    def _out(self) -> TextIO:
        if self._stream is None:
            self._stream = self._given or _copy(sys.stderr)
        return self._stream


def table(states: Sequence[State], now: float, elapsed_seconds: float, height: int) -> Table:
    """The live table: what runs, longest to go first; what waits and what is done only as counts."""
    running = sorted(
        (entry for entry in states if entry.started is not None and entry.outcome is None),
        key=lambda entry: (-entry.left(now), entry.name),
    )
    waiting = sum(entry.started is None and entry.outcome is None for entry in states)
    done = sum(entry.outcome is not None for entry in states)
    left = max((entry.left(now) for entry in states), default=0.0)
    found = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    for title in ("scenario", "phase"):
        found.add_column(title, no_wrap=True)
    for title in ("pods/wanted", "in flight", "req/s", "left"):
        found.add_column(title, justify="right", no_wrap=True)
    for entry in running[:height]:
        found.add_row(
            Text(printable(entry.name)),
            Text(printable(entry.news.phase or "")),
            Text(f"{count(entry.news.pods)}/{count(entry.news.desired)}" + (" panic" if entry.news.panic else "")),
            count(entry.news.in_flight),
            "" if entry.news.requests_per_second is None else f"{entry.news.requests_per_second:.1f}",
            f"{entry.left(now):.0f} s",
        )
    hidden = max(0, len(running) - height)
    words = [f"{done} done", f"{len(running)} running" + (f" ({hidden} not shown)" if hidden else "")]
    words += [f"{waiting} waiting"] if waiting else []
    found.add_row(Text(", ".join(words), style="dim"), "", "", "", f"{elapsed_seconds:.0f} s", f"~{left:.0f} s")
    return found


def _moves(stream: TextIO, environ: Mapping[str, str]) -> bool:
    """Whether the stream is a terminal whose cursor can be moved."""
    if environ.get("CI") or environ.get("TERM", "") in ("dumb", "unknown") or "TERM" not in environ:
        return False
    return stream.isatty()


def _copy(stream: TextIO) -> TextIO:
    try:
        return os.fdopen(os.dup(stream.fileno()), "w", encoding="utf-8", errors="replace")
    except (OSError, UnsupportedOperation, AttributeError):
        return stream
