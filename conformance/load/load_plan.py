"""What traffic to offer, as data: a sequence of phases, each a closed loop, hey's paced workers or an open loop.

A plan is pure and seeded; `conformance.load.schedule` turns its open phases into due times before the first request is
sent, and both are stored with the recording.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, fields
from enum import StrEnum
from typing import Any

from conformance.load.load_errors import InvalidLoadError


class LoadShape(StrEnum):
    """How arrivals come about."""

    CLOSED = "closed"  # `workers` callers, each sends, waits for the answer, sends again (hey -c)
    SALVO = "salvo"  # hey -q: every worker has its own ticker of `rate_per_worker`, late ticks are dropped
    CONSTANT = "constant"  # open loop, evenly spaced at `rate`
    POISSON = "poisson"  # open loop, exponential gaps with mean 1 / `rate`
    RAMP = "ramp"  # open loop, rate moves linearly from `rate` to `rate_end`
    BURST = "burst"  # open loop, `count` arrivals at the phase's start
    IDLE = "idle"  # nothing for `seconds`


@dataclass(frozen=True, slots=True)
class Phase:
    """One stretch of traffic. Rates in requests per second."""

    shape: LoadShape
    seconds: float
    workers: int = 0
    rate: float = 0.0
    rate_end: float = 0.0
    rate_per_worker: float = 0.0
    count: int = 0
    """BURST: arrivals. CLOSED and SALVO: stop each worker after count / workers requests when above 0; a last phase
    with a count may have 0 `seconds`, and then lasts until that is done."""

    def words(self) -> str:
        """`5 callers for 30 s`."""
        seconds = f"for {self.seconds:g} s"
        match self.shape:
            case LoadShape.CLOSED:
                return f"{self.workers} callers {seconds}"
            case LoadShape.SALVO:
                return f"{self.workers} callers with {self.rate_per_worker:g} requests a second each {seconds}"
            case LoadShape.CONSTANT:
                return f"{self.rate:g} requests a second {seconds}"
            case LoadShape.POISSON:
                return f"{self.rate:g} requests a second at random {seconds}"
            case LoadShape.RAMP:
                return f"{self.rate:g} to {self.rate_end:g} requests a second {seconds}"
            case LoadShape.BURST:
                return f"{self.count} requests at once"
        return f"nothing {seconds}"


@dataclass(frozen=True, slots=True)
class LoadPlan:
    """Phases one after the other, and how long to wait for what is still in flight at the end."""

    phases: tuple[Phase, ...]
    seed: int = 0
    drain_seconds: float = 30.0
    timeout_seconds: float = 20.0
    """Per request, from its sending; 0 waits for ever."""
    max_in_flight: int = 10_000
    """Open loops only; an arrival beyond it is recorded as dropped."""

    @property
    def seconds(self) -> float:
        """Length without the drain."""
        return sum(phase.seconds for phase in self.phases)

    def words(self) -> str:
        """`5 callers for 30 s, then nothing for 60 s`."""
        return ", then ".join(phase.words() for phase in self.phases)

    def body(self) -> dict[str, Any]:
        """Plain JSON; `from_body` reads it back."""
        value = asdict(self)
        value["phases"] = [{**phase, "shape": phase["shape"].value} for phase in value["phases"]]
        return value

    @classmethod
    def from_body(cls, value: Mapping[str, Any]) -> LoadPlan:
        """Raises InvalidLoadError for unknown keys or shapes."""
        phases = tuple(_phase(entry) for entry in value.get("phases", ()))
        rest = {key: entry for key, entry in value.items() if key != "phases"}
        _refuse_unknown(rest, {field.name for field in fields(cls)})
        return cls(phases=phases, **rest)


def _phase(value: Mapping[str, Any]) -> Phase:
    _refuse_unknown(value, {field.name for field in fields(Phase)})
    try:
        shape = LoadShape(str(value.get("shape")))
    except ValueError:
        known = [shape.value for shape in LoadShape]
        raise InvalidLoadError(
            f"load shape {value.get('shape')!r}; {_nearest(str(value.get('shape')), known)}"
        ) from None
    return Phase(**{"seconds": 0.0, **value, "shape": shape})


def _refuse_unknown(value: Mapping[str, Any], known: set[str]) -> None:
    for key in value:
        if key not in known:
            raise InvalidLoadError(f"load: unknown key {key!r}; {_nearest(key, known)}")


def _nearest(word: str, known: Iterable[str]) -> str:
    """A hint for a misspelt word."""
    names = sorted(known)
    close = difflib.get_close_matches(word, names, n=1, cutoff=0.5)
    return f"did you mean {close[0]!r}?" if close else "known: " + ", ".join(names)


@dataclass(frozen=True, slots=True)
class Target:
    """Where requests go and what they carry."""

    url: str
    """`http://host[:port]/path`; the connection goes to `address` when given, the Host header to `host`."""
    method: str = "POST"
    host: str | None = None
    address: str | None = None
    """`host:port` to connect to instead of the URL's."""
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    ca_file: str | None = None
    verify: bool = True
    keep_alive: bool = True
    """False opens a connection for every request and asks the server to close it."""
    request_ids: bool = True
    """Send the request's number as `x-request-id`, so that the server's own record can be joined with the rows."""
