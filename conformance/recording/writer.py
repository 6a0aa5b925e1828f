"""Writes a recording as it happens: append only, flushed, so that a crash leaves a readable prefix.

A recording is one folder:

    recording.json      header: version, scenario, run, seed, clock, origin, suite, plan of every load
    facts.jsonl         one `Fact` a line, in the order of `t`
    load-N.rows/.names  the arrivals of load step N (see `rows`) and the pods they met
    load-N.jsonl        the load's plan (first line) and its own health once a second
"""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

from conformance.recording.body import Body
from conformance.recording.facts import RECORDING_VERSION, line_of
from conformance.recording.pod_bodies import NodeUsageBody, PodBody
from conformance.recording.redaction import Redactor
from conformance.recording.shape import JsonObject, Shape


class Time(Protocol):
    """The part of a clock that stamps."""

    def monotonic(self) -> float: ...

    def wall(self) -> float: ...


@dataclass(frozen=True, slots=True)
class Header(Shape):
    """What `recording.json` says."""

    scenario: str
    run: str
    seed: int
    clock: str
    """real or virtual."""
    origin_monotonic: float
    """Clock reading at t = 0."""
    origin_wall: float
    suite_version: str
    provider: str
    scenario_spec: JsonObject
    """The scenario as it was, so that a recording can be judged without the catalogue of its time."""
    version: int = RECORDING_VERSION


class Recorder:
    """The one writer of a recording's facts; loads write their own files in the same folder."""

    def __init__(self, folder: Path, header: Header, time: Time, redactor: Redactor | None = None) -> None:
        folder.mkdir(parents=True, exist_ok=False)
        self.folder = folder
        self.header = header
        self._time = time
        self._redactor = redactor
        text = json.dumps(asdict(header), indent=1, sort_keys=True, ensure_ascii=False)
        (folder / "recording.json").write_text(text + "\n", encoding="utf-8")
        self._facts = (folder / "facts.jsonl").open("xb", buffering=0)

    def now(self) -> float:
        """Seconds since the recording's origin."""
        return self._time.monotonic() - self.header.origin_monotonic

    def write(self, body: Body) -> None:
        """Stamp and append one fact, without secrets and the site's names."""
        plain = body.plain()
        if self._redactor is not None:
            if isinstance(body, PodBody | NodeUsageBody) and body.node:
                self._redactor.learn("node", body.node)
            plain = self._redactor.body(plain)
        self._facts.write(line_of(self.now(), self._time.wall(), body.KIND, plain))

    def close(self) -> None:
        """Close the file; writing afterwards raises ValueError."""
        self._facts.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
